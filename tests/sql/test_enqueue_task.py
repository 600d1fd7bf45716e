"""enqueue_task and enqueue_tasks, as somebody with psql calls them."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.conftest import Psql


def test_an_agent_is_named_by_id_name_or_type(psql: Psql) -> None:
    agent = psql.agent("Daily digest", "digest")
    for name in (agent, agent.upper(), "Daily digest", "digest"):
        task = psql.value(f"SELECT enqueue_task('{name}')")
        row = psql.value(
            f"SELECT agent_id, status, priority, payload FROM agent_tasks WHERE id = '{task}'"
        )
        assert row == f"{agent}|pending|5|{{}}"
    assert psql.value(f"SELECT enqueue_task('{agent}'::uuid) IS NOT NULL") == "t"


def test_named_arguments_set_the_columns_of_the_row(psql: Psql) -> None:
    agent = psql.agent()
    stream = psql.stream(agent)
    task = psql.value(
        "SELECT enqueue_task(agent => 'Digest', payload => '{\"days\": 7}', priority => 9,"
        f" scheduled_for => '2099-01-01Z', stream_id => '{stream}', unique_key => 'k',"
        " max_retries => 7, requested_by => 'ann', task_type => 'slow')"
    )
    row = psql.value(
        "SELECT payload ->> 'days', priority, scheduled_for = '2099-01-01Z', parked, stream_id,"
        " unique_key, max_retries, requested_by, task_type"
        f" FROM agent_tasks WHERE id = '{task}'"
    )
    assert row == f"7|9|t|t|{stream}|k|7|ann|slow"


def test_the_task_type_is_the_one_of_the_agent_s_configuration(psql: Psql) -> None:
    psql.agent(columns=', configuration = \'{"task_type": "nightly"}\'')
    task = psql.value("SELECT enqueue_task('Digest')")
    assert psql.value(f"SELECT task_type FROM agent_tasks WHERE id = '{task}'") == "nightly"


def test_a_taken_key_returns_the_task_that_has_it(psql: Psql) -> None:
    psql.agent()
    first = psql.value("SELECT enqueue_task('Digest', unique_key => 'daily')")
    assert psql.value("SELECT enqueue_task('Digest', unique_key => 'daily')") == first
    psql(f"UPDATE agent_tasks SET status = 'completed' WHERE id = '{first}'")
    assert psql.value("SELECT enqueue_task('Digest', unique_key => 'daily')") != first


def test_a_taken_key_can_be_replaced_or_refused(psql: Psql) -> None:
    psql.agent()
    first = psql.value("SELECT enqueue_task('Digest', unique_key => 'daily')")
    again = "SELECT enqueue_task('Digest', '{\"n\": 2}', unique_key => 'daily', on_conflict => "
    assert psql.value(f"{again}'replace')") == first
    assert psql.value("SELECT payload ->> 'n' FROM agent_tasks") == "2"
    refused = psql(f"{again}'raise')")
    assert refused.code == 3
    assert f"task {first} has the unique_key 'daily' already and waits" in refused.notices
    assert "Wait for its end or cancel it" in refused.notices


def test_tasks_with_options_of_their_own_are_told_apart(psql: Psql) -> None:
    agent = psql.agent()
    answers = psql(
        "SELECT place, outcome, fault FROM add_tasks(ARRAY(SELECT t FROM jsonb_populate_recordset("
        f"ROW('{agent}', NULL, 7, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
        ' NULL, NULL)::task_to_add, \'[{}, {"unique_key": "k"}, {"priority": 0},'
        ' {"unique_key": "k", "priority": 1}, {"agent_id": null}]\') t)) ORDER BY place'
    )
    assert answers.rows == [
        "1|added|",
        "2|added|",
        "3|invalid|the priority is 0, not 1 to 10",
        "4|skipped|",
        "5|missing|there is no agent NULL",
    ]
    assert psql("SELECT priority FROM agent_tasks").rows == ["7", "7"]


def test_a_key_taken_by_an_uncommitted_task_is_waited_for(psql: Psql) -> None:
    agent = psql.agent()
    with psycopg.connect(psql.dsn) as other, psycopg.connect(psql.dsn, autocommit=True) as mine:
        row = other.execute("SELECT enqueue_task(%s, unique_key => 'k')", (agent,)).fetchone()
        assert row is not None
        mine.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            mine.execute("SELECT enqueue_task(%s, unique_key => 'k')", (agent,))
        other.commit()
        again = mine.execute("SELECT enqueue_task(%s, unique_key => 'k')", (agent,)).fetchone()
    assert again == row


def test_many_payloads_keep_their_order_and_share_a_key(psql: Psql) -> None:
    psql.agent()
    order = psql.value(
        "SELECT enqueue_tasks(find_agent('Digest'),"
        " ARRAY['{\"n\": 1}', '{\"n\": 2}', '{\"n\": 3}', '{\"n\": 4}']::jsonb[],"
        " ARRAY['a', NULL, 'a', 'b']) AS ids \\gset\n"
        "SELECT array_agg(t.payload ->> 'n' ORDER BY a.place)"
        " FROM unnest(:'ids'::uuid[]) WITH ORDINALITY AS a (id, place)"
        " JOIN agent_tasks t USING (id)"
    )
    assert order == "{1,2,1,4}"
    assert psql("SELECT payload ->> 'n' FROM agent_tasks ORDER BY ready_seq").rows == [
        "1",
        "2",
        "4",
    ]


def test_a_name_wins_over_a_type_and_an_active_agent_over_an_inactive_one(psql: Psql) -> None:
    named = psql.agent("digest", "writer")
    psql.agent("Other", "digest")
    assert psql.value("SELECT find_agent('digest')") == named
    retired = psql.agent("Twin", "scout", ", is_active = false")
    assert psql.value("SELECT find_agent('Twin')") == retired
    active = psql.agent("Twin", "scout")
    assert psql.value("SELECT find_agent('Twin')") == active


def test_an_organisation_narrows_the_choice_of_agents(psql: Psql) -> None:
    ours = psql.value("INSERT INTO organizations (name) VALUES ('Ours') RETURNING id")
    theirs = psql.value("INSERT INTO organizations (name) VALUES ('Theirs') RETURNING id")
    agent = psql.agent("Digest", "digest", f", org_id = '{ours}'")
    psql.agent("Digest", "digest", f", org_id = '{theirs}'")
    assert psql.value(f"SELECT find_agent('Digest', '{ours}')") == agent
    both = psql("SELECT find_agent('Digest')")
    assert both.code == 3
    assert "2 agents are called 'Digest'" in both.notices


def test_the_task_belongs_to_the_agent_s_organisation_or_to_the_stream_s(psql: Psql) -> None:
    ours = psql.value("INSERT INTO organizations (name) VALUES ('Ours') RETURNING id")
    agent = psql.agent()
    stream = psql.stream(agent)
    psql(f"UPDATE streams SET org_id = '{ours}'")
    task = psql.value(f"SELECT enqueue_task('Digest', stream_id => '{stream}')")
    assert psql.value(f"SELECT org_id FROM agent_tasks WHERE id = '{task}'") == ours


def test_agent_and_stream_of_two_organisations_are_refused(psql: Psql) -> None:
    ours = psql.value("INSERT INTO organizations (name) VALUES ('Ours') RETURNING id")
    theirs = psql.value("INSERT INTO organizations (name) VALUES ('Theirs') RETURNING id")
    stream = psql.stream(psql.agent("Digest", "digest", f", org_id = '{ours}'"))
    psql(f"UPDATE streams SET org_id = '{theirs}'")
    answer = psql(f"SELECT enqueue_task('Digest', stream_id => '{stream}')")
    assert f"the agent belongs to organisation {ours}, the stream to {theirs}" in answer.notices


def test_bad_arguments_are_refused_by_name(psql: Psql) -> None:
    psql.agent()
    nobody = "00000000-0000-0000-0000-000000000000"
    refusals = {
        "'Digest', priority => 11": "the priority is 11, not 1 to 10",
        "'Digest', priority => 0": "the priority is 0, not 1 to 10",
        "'Digest', '[]'": "the payload is array, not a JSON object",
        "'Digest', max_retries => -1": "max_retries is -1, less than 0",
        "'Digest', task_type => ''": "the task_type is empty",
        "'Digest', limit_key => ''": "the limit_key has 0 characters, not 1 to 200",
        "'Digest', scheduled_for => 'infinity'": "scheduled_for is infinity, not between",
        "'Digest', on_conflict => 'merge'": "on_conflict is 'merge', not skip, replace or raise",
        "'Digest', on_conflict => NULL": "on_conflict is NULL, not skip, replace or raise",
        "'nobody'": "there is no agent 'nobody'",
        f"'{nobody}'::uuid": f"there is no agent {nobody}",
        f"'Digest', stream_id => '{nobody}'": f"there is no stream {nobody}",
    }
    for arguments, message in refusals.items():
        answer = psql(f"SELECT enqueue_task({arguments})")
        assert (answer.code, message in answer.notices) == (3, True), answer.notices
    assert psql.value("SELECT count(*) FROM agent_tasks") == "0"


def test_the_functions_find_their_tables_whatever_the_search_path(psql: Psql) -> None:
    psql.agent()
    assert (
        psql.value("SET search_path = pg_catalog; SELECT public.enqueue_task('Digest') IS NOT NULL")
        == "t"
    )
