"""Extended attributes: CONTRACT.md 2, -o xattr."""

import errno
import os

import pytest

from records import fails


FILE = (
    b'{"id":"65a1b2c3000000000000beef","s3Key":"k","originalName":"caf\\u00e9.txt",'
    b'"mimeType":"text/plain","size":3,"visibility":"private","ownerId":"me",'
    b'"createdAt":"2024-01-01T00:00:00.000Z","updatedAt":"2024-01-02T00:00:00.000Z"}'
)
RECORD = (
    b'{"id":"r1","createdBy":"","createdAt":"2024-01-01T00:00:00.000Z",'
    b'"updatedAt":"2024-01-02T00:00:00.000Z"}'
)


@pytest.fixture
def project(odd):
    server = odd()
    server.tables["posts"] = [RECORD]
    server.files = {"65a1b2c3000000000000beef": FILE}
    return server


def _all(path):
    return {name: os.getxattr(path, name) for name in os.listxattr(path)}


def test_attributes_carry_what_the_server_gave(project, mount):
    m = mount(project, "-o", "xattr")
    asked = len(project.log)
    expected = {
        "user.mime_type": b"text/plain",
        "user.bkend.id": b"65a1b2c3000000000000beef",
        "user.bkend.original_name": "caf\u00e9.txt".encode(),
        "user.bkend.visibility": b"private",
        "user.bkend.owner_id": b"me",
        "user.bkend.created_at": b"2024-01-01T00:00:00.000Z",
        "user.bkend.updated_at": b"2024-01-02T00:00:00.000Z",
    }
    (stored,) = os.listdir(m / "storage")
    asked = len(project.log)
    assert _all(m / "storage" / stored) == expected
    assert _all(m / "files/65a1b2c3000000000000beef.json") == expected
    assert len(project.log) == asked
    # What is empty or was not given is not there.
    assert _all(m / "posts/r1.json") == {
        "user.bkend.id": b"r1",
        "user.bkend.created_at": b"2024-01-01T00:00:00.000Z",
        "user.bkend.updated_at": b"2024-01-02T00:00:00.000Z",
    }
    with fails(errno.ENODATA):
        os.getxattr(m / "posts/r1.json", "user.bkend.created_by")
    assert os.listxattr(m.path) == []


def test_they_are_read_only(project, mount):
    m = mount(project, "-o", "xattr")
    with fails(errno.EROFS):
        os.setxattr(m / "posts/r1.json", "user.bkend.id", b"x")


def test_without_the_option_there_are_none(project, mount):
    m = mount(project)
    (stored,) = os.listdir(m / "storage")
    with fails(errno.EOPNOTSUPP):
        os.getxattr(m / "storage" / stored, "user.mime_type")
