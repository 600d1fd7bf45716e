"""Tokens of HTTP and organisations on the command line."""

from __future__ import annotations

from tests.cli.conftest import CommandLine, Rows


def test_a_token_is_made_shown_once_rotated_and_revoked(cli: CommandLine, rows: Rows) -> None:
    org = cli.json("organizations", "create", "Acme Ltd")
    made = cli.json("tokens", "create", "ci", "--scope", "run", "--org", "Acme Ltd")
    assert made["token"].startswith("opr_")
    assert made["org_id"] == org["id"]
    listed = cli("tokens", "list")
    assert "Acme Ltd" in listed.out
    assert made["beginning"] in listed.out
    assert made["token"] not in listed.out
    assert made["token"] not in str(rows("SELECT * FROM api_tokens"))
    turned = cli.json("tokens", "rotate", made["id"][:18], "--keep", "2h")
    assert turned["token"] != made["token"]
    assert turned["scope"] == "run"
    old, new = sorted(cli.json("tokens", "list"), key=lambda row: row["id"] == turned["id"])
    assert old["expires_at"] is not None
    assert new["expires_at"] is None
    assert cli.json("tokens", "revoke", turned["id"])["revoked"]
    assert not cli.json("tokens", "revoke", turned["id"])["revoked"]
    assert "is revoked" in cli("tokens", "rotate", turned["id"]).err
    assert [row["tokens"] for row in cli.json("organizations", "list")] == [1]


def test_whose_a_token_is_must_be_said_and_fit_its_scope(cli: CommandLine) -> None:
    assert cli("tokens", "create", "x").code == 2
    assert "belongs to an organisation" in cli("tokens", "create", "x", "--all").err
    assert "there is no organisation" in cli("tokens", "create", "x", "--org", "Nobody").err
    made = cli.json("tokens", "create", "x", "--all", "--scope", "admin", "--expires", "30d")
    assert made["org_id"] is None
    assert made["expires_at"]
