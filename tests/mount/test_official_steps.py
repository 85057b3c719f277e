"""The steps of the official guide's two export scripts, taken against the
emulator; then what they saved is served, and that is mounted."""

import os
import subprocess

import pytest

from conftest import environment, run
from truth import Client, assert_same, member, on_disk, tree

# One curl a page, one page after the other, each answer saved as it is, until
# "hasNext":true no longer appears.
EXPORT_TABLE = r"""
page=1
while :; do
    curl -s "$BKEND_API_URL/v1/data/$table?page=$page&limit=100" \
        -H "X-API-Key: $BKEND_PUBLISHABLE_KEY" \
        -H "Authorization: Bearer $token" > "${table}_page${page}.json"
    jq '.data.items | length' "${table}_page${page}.json"
    grep -q '"hasNext":true' "${table}_page${page}.json" || break
    page=$((page + 1))
done
"""

# The list page by page, and for each file an address and its download.
EXPORT_FILES = r"""
mkdir -p bkend_files
page=1
while :; do
    list=$(curl -s "$BKEND_API_URL/v1/files?page=$page&limit=10" \
        -H "X-API-Key: $BKEND_PUBLISHABLE_KEY" -H "Authorization: Bearer $token")
    printf '%s' "$list" > "files_page$page.json"
    printf '%s' "$list" | jq -c '.data.items[]' | while IFS= read -r item; do
        id=$(printf '%s' "$item" | jq -r .id)
        name=$(printf '%s' "$item" | jq -r .originalName)
        url=$(curl -s -X POST "$BKEND_API_URL/v1/files/$id/download-url" \
            -H "X-API-Key: $BKEND_PUBLISHABLE_KEY" \
            -H "Authorization: Bearer $token" | jq -r .data.url)
        curl -s "$url" --create-dirs -o "bkend_files/$(eval "printf '%s' \"$save_as\"")"
    done
    [ "$(printf '%s' "$list" | jq -r .data.pagination.hasNextPage)" = true ] || break
    page=$((page + 1))
done
"""

SIGN_IN = r"""
set -eu
token=$(curl -s -X POST "$BKEND_API_URL/v1/auth/email/signin" \
    -H "X-API-Key: $BKEND_PUBLISHABLE_KEY" -H 'Content-Type: application/json' \
    -d "{\"method\":\"password\",\"email\":\"$BKEND_EMAIL\",\"password\":\"$BKEND_PASSWORD\"}" |
    jq -r .data.accessToken)
"""


def take(steps, place, **settings):
    """Take the steps, as a person would in that directory."""
    done = subprocess.run(
        ["sh", "-c", SIGN_IN + steps], cwd=place, env=environment(place, settings),
        capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0 and not done.stderr, (settings.get("table"), done.stderr)


def export(server, place, **settings):
    """All tables, and the files."""
    place.mkdir()
    for table in server.tables:
        take(EXPORT_TABLE, place, table=table, **server.env())
    take(EXPORT_FILES, place, **settings, **server.env())


def tables_of(files):
    """What is no stored file's; exports hold no specifications."""
    return {name: text for name, text in files.items()
            if not name.startswith((b"files", b"storage")) and not name.endswith(b".spec.json")}


def stored(files):
    """What is a stored file's."""
    return {name: text for name, text in files.items() if name.startswith((b"files", b"storage"))}


def contents(files):
    """The stored files' contents, by their names without ids."""
    return sorted((name.split(b"_", 1)[1], text) for name, text in files.items()
                  if name.startswith(b"storage/"))


@pytest.fixture
def project(emulator):
    """The sample: it has names in many scripts, one with a slash, and two files
    of one name."""
    return emulator("--generate", "many=257:300")


def leave_one_of_each_name(server):
    """Where files are saved by name alone, one overwrites the other."""
    seen = set()
    for raw in Client(server).listing("/v1/files"):
        if member(raw, "originalName") in seen:
            server.control("DELETE", "files/" + member(raw, "id").decode())
        seen.add(member(raw, "originalName"))


def serve_and_read(emulator, mount, place):
    """What is served of that, mounted."""
    served = emulator("--data", place)
    assert served.errors.read_text() == ""
    return served, on_disk(mount(served).path)


@pytest.mark.parametrize("save_as", ["$name", "${id}_$name"])
def test_all_is_there_after_the_service(project, emulator, mount, work, save_as):
    """With the lists of the files, which the script prints, and without."""
    if save_as == "$name":
        leave_one_of_each_name(project)
    export(project, work / "saved", save_as=save_as)
    assert len(list((work / "saved").glob("many_page*.json"))) == 3
    wanted = tree(project)

    served, got = serve_and_read(emulator, mount, work / "saved")
    assert sorted(served.tables) == sorted(project.tables)
    assert_same(tables_of(got), tables_of(wanted))
    assert contents(got) == contents(wanted) and len(contents(got)) >= 20
    assert_same(stored(got), stored(wanted))

    lists = list((work / "saved").glob("files_page*.json"))
    assert len(lists) >= 3
    for page in lists:
        page.unlink()
    served, got = serve_and_read(emulator, mount, work / "saved")
    assert sorted(served.tables) == sorted(project.tables)
    assert_same(tables_of(got), tables_of(wanted))
    assert contents(got) == contents(wanted)
    if save_as != "$name":
        assert ({name for name in stored(got) if name.startswith(b"storage/")}
                == {name for name in stored(wanted) if name.startswith(b"storage/")})


def test_an_export_that_ran_into_a_quota_is_not_taken_for_whole(emulator, mount, work):
    """The script saves the error as a page, and takes it for the end."""
    project = emulator("--no-demo", "--generate", "many=457:300", "--rate-limit", "3/3600")
    (work / "saved").mkdir()
    take(EXPORT_TABLE, work / "saved", table="many", **project.env())
    served = emulator("--data", work / "saved")
    said = served.errors.read_text()
    assert "many_page3.json holds an error in place of records: data/rate-limit-exceeded" in said
    assert "many: incomplete: pages 3 to 5 are missing" in said
    assert "many: incomplete: the pages speak of 457 records; 200 are there" in said
    assert "INCOMPLETE" in said.splitlines()[-1]
    listed = run("ls", "-f", mount(served) / "many")
    assert listed.returncode != 0 and b"Input/output error" in listed.stderr
    assert listed.stdout.count(b".json\n") == 200
