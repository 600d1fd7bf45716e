-- Notifications: people are told of what they have to look at, by rules that are rows.
--
-- * notification_events is what happened and was not gathered yet. The transaction that brings it about writes
--   the row, by a trigger which looks at transitions only and writes nothing unless a rule asks for that event.
--   Whoever gathers deletes the row in the transaction that counts it: there is no cursor, so a row that commits
--   late is gathered late, none is passed over and none counted twice, whatever crashes.
-- * notifications gathers the events of one rule into one message. While its task_id is NULL it takes further
--   ones in; when it is due it gets a task, and the next event begins another one.
-- * That task is a row of agent_tasks like any other, with task_type `notification` and no agent: retries,
--   back-off, history and dead letters are those of tasks. Claims for the slots of runners pass it over; each
--   runner has a place of its own for it. A delivery that dies makes no event.
-- * Secrets are never here: a target that is one says where it is, env:NAME or file:/path.

SET LOCAL lock_timeout = '30s';

CREATE TABLE notification_rules (
    id uuid PRIMARY KEY DEFAULT oppspot_uuid(),
    org_id uuid REFERENCES organizations (id) ON DELETE CASCADE,
    name text NOT NULL,
    event text NOT NULL,
    filter jsonb NOT NULL DEFAULT '{}',
    channel text NOT NULL,
    target text NOT NULL,
    secret text,
    wait_s double precision NOT NULL DEFAULT 10,
    repeat_s double precision NOT NULL DEFAULT 3600,
    is_active boolean NOT NULL DEFAULT true,
    last_due_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT oppspot_now(),
    CONSTRAINT notification_rules_name_key UNIQUE (name),
    CONSTRAINT notification_rules_name_has_1_to_200_characters CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT notification_rules_event_is_known CHECK (event IN (
        'task_dead', 'breaker_open', 'budget_reached', 'runner_lost', 'critical_company', 'schedule_stopped',
        'approval_waiting')),
    CONSTRAINT notification_rules_channel_is_known CHECK (channel IN ('email', 'slack', 'webhook', 'apprise')),
    CONSTRAINT notification_rules_filter_is_an_object CHECK (jsonb_typeof(filter) = 'object'),
    CONSTRAINT notification_rules_filter_has_only_known_keys CHECK (
        filter - '{agent,agent_type,task_type,stream,min_score}'::text[] = '{}'),
    CONSTRAINT notification_rules_target_has_1_to_2000_characters CHECK (length(target) BETWEEN 1 AND 2000),
    CONSTRAINT notification_rules_target_may_be_secret_use_env_or_file CHECK (CASE channel
        WHEN 'apprise' THEN target ~ '^(env:.|file:/.)'
        WHEN 'slack' THEN target ~ '^(env:.|file:/.)' OR (target !~ '[:/]' AND target !~ '^xox')
        WHEN 'webhook' THEN target ~ '^(env:.|file:/.)' OR target ~ '^https?://[^/?#@]+([/?#]|$)'
        ELSE true END),
    CONSTRAINT notification_rules_target_is_addresses CHECK (
        channel <> 'email' OR target ~ '^[^\s@:/]+@[^\s@:/]+(, ?[^\s@:/]+@[^\s@:/]+)*$'),
    CONSTRAINT notification_rules_a_webhook_is_signed CHECK ((channel = 'webhook') = (secret IS NOT NULL)),
    CONSTRAINT notification_rules_secret_is_where_it_is_env_or_file CHECK (secret ~ '^(env:.|file:/.)'),
    CONSTRAINT notification_rules_wait_s_is_0_to_a_day CHECK (wait_s >= 0 AND wait_s <= 86400),
    CONSTRAINT notification_rules_repeat_s_is_0_to_a_year CHECK (repeat_s >= 0 AND repeat_s <= 31536000)
);
COMMENT ON TABLE notification_rules IS 'Who is told of what, and by which channel. Pause a rule by is_active = false.';
COMMENT ON COLUMN notification_rules.org_id IS 'Only events of this organisation; NULL = all of them.';
COMMENT ON COLUMN notification_rules.filter IS
    'Only events with this agent (id or name), agent_type, task_type, stream (id or name), or a score of at least min_score.';
COMMENT ON COLUMN notification_rules.target IS
    'E-mail addresses, a channel of Slack, a URL, or where it is: env:NAME, file:/path. Always the latter if it is secret.';
COMMENT ON COLUMN notification_rules.secret IS 'Where the secret is that signs what a webhook gets: env:NAME or file:/path.';
COMMENT ON COLUMN notification_rules.wait_s IS 'Seconds for which events are gathered from the first one on.';
COMMENT ON COLUMN notification_rules.repeat_s IS 'Least seconds between two messages; what happens meanwhile is gathered.';
COMMENT ON COLUMN notification_rules.last_due_at IS 'When its last message was handed to a task.';

-- No foreign keys: what happens must never wait for a row of somebody else's.
CREATE TABLE notification_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event text NOT NULL,
    org_id uuid,
    at timestamptz NOT NULL DEFAULT oppspot_now(),
    facts jsonb NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.01);
COMMENT ON TABLE notification_events IS 'What happened and was not gathered yet; only what an active rule asks for.';

CREATE TABLE notifications (
    id uuid PRIMARY KEY DEFAULT oppspot_uuid(),
    rule_id uuid NOT NULL REFERENCES notification_rules (id) ON DELETE CASCADE,
    count integer NOT NULL CHECK (count > 0),
    examples jsonb NOT NULL,
    shares jsonb NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    task_id uuid,
    created_at timestamptz NOT NULL DEFAULT oppspot_now()
) WITH (fillfactor = 50);
COMMENT ON TABLE notifications IS 'Messages of rules, each about many events. Kept as long as the task that delivers it.';
COMMENT ON COLUMN notifications.examples IS 'The first few events.';
COMMENT ON COLUMN notifications.shares IS 'How many events had the same agent, error and so on.';
COMMENT ON COLUMN notifications.task_id IS 'The task that delivers it; NULL = events are still gathered.';
CREATE UNIQUE INDEX notifications_open ON notifications (rule_id) WHERE task_id IS NULL;
CREATE INDEX notifications_due ON notifications (due_at) WHERE task_id IS NULL;
CREATE INDEX notifications_rule ON notifications (rule_id);
CREATE INDEX notifications_task ON notifications (task_id);

ALTER TABLE task_runners ADD COLUMN is_loss_told boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN task_runners.is_loss_told IS 'Whether rules for notifications were told that this runner is lost.';

-- Writes down one transition, of which the trigger's argument says what it means. With its owner's rights:
-- whoever may write a task need not be able to write here.
CREATE FUNCTION note_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
DECLARE
    what text := TG_ARGV[0];
    whose uuid;
    facts jsonb;
BEGIN
    IF NOT EXISTS (SELECT FROM notification_rules r WHERE r.event = what AND r.is_active) THEN
        RETURN NULL;
    END IF;
    CASE TG_TABLE_NAME
        WHEN 'agent_tasks' THEN
            whose := NEW.org_id;
            facts := jsonb_build_object('task', NEW.id, 'agent_id', NEW.agent_id, 'task_type', NEW.task_type,
                'stream_id', NEW.stream_id, 'error', left(NEW.error_message, 1000));
        WHEN 'agent_breakers' THEN
            facts := jsonb_build_object('agent_id', NEW.agent_id, 'error', left(NEW.last_error, 1000));
        WHEN 'host_breakers' THEN
            facts := jsonb_build_object('host', NEW.host, 'source', NEW.source, 'error', left(NEW.last_error, 1000));
        WHEN 'budget_periods' THEN
            SELECT jsonb_build_object('budget', b.scope, 'budget_of', b.scope_id, 'period', b.period,
                       'limit_usd', b.limit_usd, 'spent_usd', NEW.spent_usd,
                       'agent_id', CASE b.scope WHEN 'agent' THEN b.scope_id END,
                       'stream_id', CASE b.scope WHEN 'stream' THEN b.scope_id END),
                   CASE b.scope WHEN 'org' THEN b.scope_id END
            INTO facts, whose
            FROM budgets b WHERE b.id = NEW.budget_id AND NEW.spent_usd >= b.limit_usd
              AND (TG_OP = 'INSERT' OR OLD.spent_usd < b.limit_usd);
        WHEN 'stream_items' THEN
            facts := jsonb_build_object('stream_id', NEW.stream_id, 'company_id', NEW.company_id, 'score', NEW.quality_score);
        WHEN 'schedules' THEN
            facts := jsonb_build_object('agent_id', NEW.agent_id, 'stream_id', NEW.stream_id, 'error', NEW.error);
        WHEN 'stream_run_nodes' THEN
            facts := jsonb_build_object('agent_id', NEW.agent_id, 'run', NEW.run_id,
                'stream_id', (SELECT r.stream_id FROM stream_runs r WHERE r.id = NEW.run_id));
    END CASE;
    IF facts IS NOT NULL THEN
        INSERT INTO notification_events (event, org_id, facts) VALUES (what, whose, jsonb_strip_nulls(facts));
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER agent_tasks_dead AFTER UPDATE OF status ON agent_tasks FOR EACH ROW
WHEN (NEW.status = 'failed' AND OLD.status <> 'failed' AND NEW.task_type <> 'notification')
EXECUTE FUNCTION note_event('task_dead');
-- A call that would exceed a budget is not made: nothing is spent, and the task says why it failed.
CREATE TRIGGER agent_tasks_without_budget AFTER UPDATE OF status ON agent_tasks FOR EACH ROW
WHEN (NEW.status = 'failed' AND OLD.status <> 'failed' AND NEW.error_message LIKE 'BUDGET_EXCEEDED:%')
EXECUTE FUNCTION note_event('budget_reached');
CREATE TRIGGER budget_periods_begun AFTER INSERT ON budget_periods FOR EACH ROW
EXECUTE FUNCTION note_event('budget_reached');
CREATE TRIGGER budget_periods_spent AFTER UPDATE OF spent_usd ON budget_periods FOR EACH ROW
WHEN (NEW.spent_usd > OLD.spent_usd)
EXECUTE FUNCTION note_event('budget_reached');
-- Opened again after a try that failed it is the same trouble.
CREATE TRIGGER agent_breakers_told_new AFTER INSERT ON agent_breakers FOR EACH ROW
WHEN (NEW.opened_at IS NOT NULL) EXECUTE FUNCTION note_event('breaker_open');
CREATE TRIGGER agent_breakers_told AFTER UPDATE OF opened_at ON agent_breakers FOR EACH ROW
WHEN (NEW.opened_at IS NOT NULL AND OLD.opened_at IS NULL) EXECUTE FUNCTION note_event('breaker_open');
CREATE TRIGGER host_breakers_told_new AFTER INSERT ON host_breakers FOR EACH ROW
WHEN (NEW.opened_at IS NOT NULL) EXECUTE FUNCTION note_event('breaker_open');
CREATE TRIGGER host_breakers_told AFTER UPDATE OF opened_at ON host_breakers FOR EACH ROW
WHEN (NEW.opened_at IS NOT NULL AND OLD.opened_at IS NULL) EXECUTE FUNCTION note_event('breaker_open');
CREATE TRIGGER stream_items_critical_new AFTER INSERT ON stream_items FOR EACH ROW
WHEN (NEW.priority = 'critical') EXECUTE FUNCTION note_event('critical_company');
CREATE TRIGGER stream_items_critical AFTER UPDATE OF priority ON stream_items FOR EACH ROW
WHEN (NEW.priority = 'critical' AND OLD.priority IS DISTINCT FROM 'critical')
EXECUTE FUNCTION note_event('critical_company');
CREATE TRIGGER schedules_stopped AFTER UPDATE OF error ON schedules FOR EACH ROW
WHEN (NEW.error IS NOT NULL AND OLD.error IS NULL) EXECUTE FUNCTION note_event('schedule_stopped');
CREATE TRIGGER stream_run_nodes_await_approval AFTER UPDATE OF status ON stream_run_nodes FOR EACH ROW
WHEN (NEW.status = 'awaiting_approval' AND OLD.status <> 'awaiting_approval')
EXECUTE FUNCTION note_event('approval_waiting');

CREATE VIEW undelivered_notifications AS
SELECT n.id, n.rule_id, r.name AS rule, r.event, r.channel, n.count, n.first_at, n.due_at, n.task_id, t.status,
       t.retry_count, t.error_message
FROM notifications n JOIN notification_rules r ON r.id = n.rule_id JOIN agent_tasks t ON t.id = n.task_id
WHERE t.status <> 'completed';
COMMENT ON VIEW undelivered_notifications IS 'Messages that were due and did not reach their channel, or not yet.';

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (46, 'notifications', false, oppspot_now());
