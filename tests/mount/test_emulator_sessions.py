"""The emulator's keys, its sign-in and its tokens."""

import re
import time

import pytest


def test_the_two_keys_open_what_each_may(client):
    one = client()
    guest = {"X-API-Key": one.server.key}
    assert one.refused("/v1/posts", headers={}) == (401, "auth/invalid-api-key")
    wrong = {"X-API-Key": "pk_" + "0" * 64}
    assert one.refused("/v1/posts", headers=wrong) == (401, "auth/invalid-api-key")
    assert re.fullmatch("pk_[0-9a-f]{64}", one.server.key)
    assert re.fullmatch("sk_[0-9a-f]{64}", one.server.secret_key)
    one.data("/v1/posts", headers=guest)
    assert one.refused("/v1/drafts", headers=guest) == (403, "data/permission-denied")
    assert one.refused("/v1/files", headers=guest)[0] == 401
    one.data("/v1/drafts")
    one.data("/v1/files")
    user = one.bearer(one.sign_in()["accessToken"])
    one.data("/v1/drafts", headers=user)
    one.data("/v1/files", headers=user)
    assert one.data("/v1/auth/me", headers=user)["email"] == one.server.settings["BKEND_EMAIL"]
    assert one.refused("/v1/auth/me") == (401, "auth/unauthorized")


def test_tables_that_are_not_there_are_told_apart_from_system_tables(client):
    one = client()
    assert one.refused("/v1/nothing") == (404, "data/table-not-found")
    assert one.refused("/v1/data/_users") == (403, "data/system-table-access")
    assert one.refused("/v1/posts/nothing") == (404, "data/not-found")
    assert one.refused("/v1/files/nothing") == (404, "file/not-found")
    assert one.refused("/v2") == (404, "common/not-found")
    assert one.refused("/v1/posts", method="POST", body={})[0] == 405


def test_sign_in_names_what_is_wrong(client):
    one = client("--no-demo")
    def sign_in(body):
        return one.refused("/v1/auth/email/signin", method="POST", body=body)
    email = one.server.settings["BKEND_EMAIL"]
    assert sign_in({"email": "nobody", "password": "x"}) == (400, "auth/invalid-email")
    assert sign_in({"email": email, "password": "x"}) == (401, "auth/invalid-credentials")
    assert sign_in({"email": email}) == (401, "auth/invalid-credentials")
    assert sign_in("no json")[0] == 400
    assert sign_in("{" * 5000)[0] == 400
    assert sign_in(" " * (2 << 20))[0] == 413


def test_refresh_rotates_and_a_replay_ends_all_sessions(client):
    one = client("--no-demo")
    first, other = one.sign_in(), one.sign_in()
    status, body = one.refresh(first["refreshToken"])
    second = body["data"]
    assert status == 200 and second["refreshToken"] != first["refreshToken"]
    one.data("/v1/auth/me", headers=one.bearer(second["accessToken"]))
    status, body = one.refresh(first["refreshToken"])
    assert (status, body["error"]["code"]) == (401, "auth/invalid-refresh-token")
    for pair in (second, other):
        assert one.api("/v1/auth/me", headers=one.bearer(pair["accessToken"]))[0] == 401
        assert one.refresh(pair["refreshToken"])[1]["error"]["code"] == "auth/session-expired"
    assert one.refresh("nonsense")[1]["error"]["code"] == "auth/invalid-refresh-token"


@pytest.mark.parametrize("envelope", ["data", "bare"])
def test_tokens_are_found_by_who_unwraps_and_by_who_does_not(client, envelope):
    one = client("--no-demo", "--envelope", envelope)
    status, body = one.api("/v1/auth/email/signin", method="POST", body={
        "method": "password",
        "email": one.server.settings["BKEND_EMAIL"],
        "password": one.server.settings["BKEND_PASSWORD"]})
    for _ in range(2):
        assert status == 200 and body.pop("success") is True
        assert body.pop("data") == body
        assert body["tokenType"] == "Bearer" and body["expiresIn"] == 3600
        assert one.api("/v1/auth/me", headers=one.bearer(body["accessToken"]))[0] == 200
        status, body = one.refresh(body["refreshToken"])


def test_tokens_end_in_time_on_sign_out_and_on_command(client):
    one = client("--no-demo", "--token-ttl", "1")
    pair = one.sign_in()
    assert pair["expiresIn"] == 1
    me = one.bearer(pair["accessToken"])
    one.data("/v1/auth/me", headers=me)
    time.sleep(1.1)
    assert one.refused("/v1/auth/me", headers=me) == (401, "auth/access-token-expired")
    one.server.set(token_ttl=100)
    me = one.bearer(one.refresh(pair["refreshToken"])[1]["data"]["accessToken"])
    one.data("/v1/auth/me", headers=me)
    one.server.expire("tokens")
    assert one.api("/v1/auth/me", headers=me)[0] == 401
    pair = one.sign_in()
    one.server.expire("sessions")
    assert one.refresh(pair["refreshToken"])[0] == 401
    me = one.bearer(one.sign_in()["accessToken"])
    one.data("/v1/auth/signout", method="POST", headers=me)
    assert one.api("/v1/auth/me", headers=me)[0] == 401
