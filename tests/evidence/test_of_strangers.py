"""Runs and bundles that a stranger made: nothing is followed, unpacked or left unsaid."""

import io
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from gp_helpers.evidence import (
    Finalised,
    NotARunError,
    SecretFoundError,
    bundle,
    finalise,
    recheck,
    scan,
)
from gp_helpers.evidence import source as source_module
from gp_helpers.evidence.differences import printable

RUN = "run-1"
KEY = "canary-key-51ab09ffe2"


def told(place: Path) -> dict[str, str]:
    return {one.file: one.description for one in recheck(place).differences}


@pytest.fixture
def packed(final: Finalised) -> Path:
    return bundle(final.path).path


def test_what_is_hidden_a_link_or_no_file_is_named_and_not_followed(
    final: Finalised, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "passwd").write_text(KEY)
    (final.path / ".hidden").write_text(KEY)
    (final.path / "logs" / ".cache").mkdir()
    (final.path / "logs" / "linked.log").symlink_to(elsewhere / "passwd")
    (final.path / "linked").symlink_to(elsewhere)
    os.mkfifo(final.path / "logs" / "pipe")
    assert told(final.path) == {
        ".hidden": "hidden: no part of the evidence",
        "linked": "a link, which is not followed: no part of the evidence",
        "logs/.cache": "hidden: no part of the evidence",
        "logs/linked.log": "a link, which is not followed: no part of the evidence",
        "logs/pipe": "neither a file nor a folder: no part of the evidence",
    }
    with zipfile.ZipFile(bundle(final.path).path) as archive:
        assert not {one for one in archive.namelist() if "link" in one or "hidden" in one}


def folder_with_a_page(path: Path) -> None:
    path.mkdir()
    (path / "evil.html").write_text(KEY)


OWNERS: dict[str, Callable[[Path], object]] = {
    "a folder": folder_with_a_page,
    "a link": lambda path: path.symlink_to("/etc/passwd"),
    "a pipe": os.mkfifo,
    "any text": lambda path: path.write_text("any\n"),
    "nothing": lambda path: path.touch(),
    "a process that has ended": lambda path: path.write_text("99999999\n"),
}


@pytest.mark.parametrize("owner", OWNERS)
def test_an_owners_mark_that_no_living_owner_wrote_is_named(owner: str, final: Finalised) -> None:
    OWNERS[owner](final.path / ".owner")
    what = "a link, which is not followed" if owner == "a link" else "hidden"
    assert told(final.path) == {".owner": f"{what}: no part of the evidence"}


OWNS = """
import sys
from pathlib import Path
from gp_helpers.evidence import folder
folder._own(Path(sys.argv[1]))
print("owns", flush=True)
sys.stdin.read()
"""


def test_the_mark_of_a_living_owner_is_not_named_unless_it_says_more(final: Finalised) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNS, str(final.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"owns\n"
        assert told(final.path) == {}
        with (final.path / ".owner").open("ab") as mark:
            mark.write(KEY.encode())
        assert told(final.path) == {".owner": "hidden: no part of the evidence"}
        owner.communicate(b"")


def test_an_empty_folder_is_named_and_none_is_left_at_a_runs_end(final: Finalised) -> None:
    (final.path / "empty").mkdir()
    (final.path / "logs" / "one" / "two").mkdir(parents=True)
    assert told(final.path) == {
        "empty/": "an empty folder: no part of the evidence",
        "logs/one/two/": "an empty folder: no part of the evidence",
    }
    finalise(final.path)
    assert told(final.path) == {}
    assert not (final.path / "logs" / "one").exists()


HALF_WRITTEN = (".01_auth.ipynb.unfinished", "logs/.one.log.x1y2.tmp")


@pytest.mark.parametrize("was_killed", [True, False])
def test_what_was_half_written_when_a_run_was_killed_is_removed_at_its_end(
    was_killed: bool, final: Finalised
) -> None:
    for name in HALF_WRITTEN:
        (final.path / name).write_text("{")
    if was_killed:
        (final.path / ".owner").write_text("99999999\n")
    finalise(final.path)
    assert set(told(final.path)) == (set() if was_killed else set(HALF_WRITTEN))


@pytest.mark.parametrize("name", ["summary.md", "manifest.json", "verdicts.json"])
def test_a_file_that_became_a_link_or_a_pipe_is_not_read(
    name: str, final: Finalised, tmp_path: Path
) -> None:
    (final.path / name).rename(tmp_path / "moved")
    (final.path / name).symlink_to(tmp_path / "moved")
    assert name in told(final.path)
    (final.path / name).unlink()
    os.mkfifo(final.path / name)
    assert name in told(final.path)


def test_an_environment_that_is_a_link_is_none(final: Finalised, tmp_path: Path) -> None:
    (final.path / "environment.json").rename(tmp_path / "moved")
    (final.path / "environment.json").symlink_to(tmp_path / "moved")
    with pytest.raises(NotARunError, match=r"without environment\.json"):
        recheck(final.path)


MEMBERS = {
    f"{RUN}/logs/extra.log": "not in the manifest: added later",
    "beside.txt": "not in the manifest: added later",
    f"{RUN}/../../evil.sh": "a path that leads elsewhere: no part of the evidence",
    "/etc/evil": "a path that leads elsewhere: no part of the evidence",
    f"{RUN}//evil": "a path that leads elsewhere: no part of the evidence",
    "C:\\evil": "a path that no run has: no part of the evidence",
    f"{RUN}/\x1b[2Jevil": "a path that no run has: no part of the evidence",
    f"{RUN}/.hidden": "hidden: no part of the evidence",
}


@pytest.mark.parametrize("member", MEMBERS)
def test_a_member_that_no_bundle_has_is_named(member: str, packed: Path) -> None:
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(member, "x")
    assert told(packed) == {
        member.removeprefix(f"{RUN}/") if "added" in MEMBERS[member] else member: MEMBERS[member]
    }
    assert all(str(one).isprintable() for one in recheck(packed).differences)


def test_a_link_in_a_bundle_is_named(packed: Path) -> None:
    info = zipfile.ZipInfo(f"{RUN}/logs/linked.log")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(info, "/etc/passwd")
    assert told(packed) == {info.filename: "a link, which is not followed: no part of the evidence"}


def with_comment(packed: Path) -> None:
    with zipfile.ZipFile(packed, "a") as archive:
        archive.comment = KEY.encode()


def with_comment_on_a_member(packed: Path) -> None:
    with zipfile.ZipFile(packed, "a") as archive:
        archive.getinfo(f"{RUN}/summary.md").comment = KEY.encode()
        archive.comment = b"-"
    whole = packed.read_bytes()
    packed.write_bytes(whole[:-3] + b"\0\0")


def with_folder(packed: Path) -> None:
    with zipfile.ZipFile(packed, "a") as archive:
        archive.mkdir(f"{RUN}/{KEY}")


BESIDE_MEMBERS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "in front": (
        lambda packed: packed.write_bytes(b"#!/bin/sh\n" + packed.read_bytes()),
        f"{RUN}.zip",
        "bytes in front of its first member",
    ),
    "behind": (
        lambda packed: packed.write_bytes(packed.read_bytes() + b"behind"),
        f"{RUN}.zip",
        "bytes behind its directory",
    ),
    "a comment": (with_comment, f"{RUN}.zip", "a comment"),
    "a member's comment": (with_comment_on_a_member, f"{RUN}/summary.md", "a comment on it"),
    "a folder": (with_folder, f"{RUN}/{KEY}/", "a folder, of which no bundle tells"),
}


@pytest.mark.parametrize("added", BESIDE_MEMBERS)
def test_what_a_bundle_holds_beside_its_members_is_named(
    added: str, packed: Path, final: Finalised
) -> None:
    add, name, what = BESIDE_MEMBERS[added]
    add(packed)
    [found] = recheck(packed, expect=final.digest).differences
    assert (found.file, found.description) == (name, f"{what}: no part of the evidence")


def replaced(packed: Path, name: str, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """The bundle with another content for one of its members."""
    made = packed.with_name("made.zip")
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(made, "w") as new:
        for info in old.infolist():
            is_it = info.filename == f"{RUN}/{name}"
            new.writestr(
                info.filename, content if is_it else old.read(info),
                compress_type=method if is_it else info.compress_type,
            )  # fmt: skip
    return made


def test_what_packs_too_far_is_not_unpacked(packed: Path) -> None:
    made = replaced(packed, "summary.md", b"\n" * 5_000_000)
    found = told(made)["summary.md"]
    assert found.endswith("bytes that claim to hold 5000000")


def test_a_method_that_no_bundle_has_is_not_unpacked(packed: Path) -> None:
    made = replaced(packed, "summary.md", b"x", zipfile.ZIP_LZMA)
    assert told(made)["summary.md"] == "packed by a method that no bundle has"


def test_a_member_that_claims_less_than_it_holds_is_read_only_so_far(packed: Path) -> None:
    made = replaced(packed, "summary.md", b"\n" * 50_000_000)
    whole = bytearray(made.read_bytes())
    size = (50_000_000).to_bytes(4, "little")
    while (at := whole.find(size)) >= 0:
        whole[at : at + 4] = (20).to_bytes(4, "little")
    made.write_bytes(whole)
    with zipfile.ZipFile(made) as archive:
        info = archive.getinfo(f"{RUN}/summary.md")
        with archive.open(info) as member, pytest.raises(zipfile.BadZipFile):
            source_module.unpacked(Counted(member), info.file_size)
    assert "damaged in the bundle" in told(made)["summary.md"]


class Counted(io.BytesIO):
    """A member that must be asked for little at a time: it unpacks as much as it is asked for."""

    def __init__(self, member: IO[bytes]) -> None:
        super().__init__()
        self._member = member

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert 0 < size <= 2**20
        return self._member.read(size)


@pytest.mark.parametrize(
    ("limit", "words"),
    [("MOST_UNPACKED_BYTES", "bytes"), ("MOST_FILES", "files")],
)
def test_a_bundle_that_claims_too_much_is_not_opened(
    limit: str, words: str, packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, limit, 3)
    with pytest.raises(NotARunError, match=f"claims to hold more than 3 {words}"):
        recheck(packed)


def test_a_file_that_is_too_large_is_not_read(
    final: Finalised, packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = (final.path / "index.html").stat().st_size
    monkeypatch.setattr(source_module, "MOST_BYTES_OF_A_FILE", size - 1)
    for place in (final.path, packed):
        assert told(place)["index.html"] == f"{size} bytes: too large to be read"


def name_that_is_no_text(whole: bytearray) -> None:
    """In the member's own header: it says that its name is UTF-8, and it is not."""
    at = whole.index(b"PK\x03\x04")
    whole[at + 7] |= 0x08
    whole[at + 30] = 0xFF


def shifted_directory(whole: bytearray) -> None:
    """The end record says that the directory begins further on, so that all offsets are less."""
    at = whole.rindex(b"PK\x05\x06") + 16
    begin = int.from_bytes(whole[at : at + 4], "little")
    whole[at : at + 4] = (begin + 50_000_000).to_bytes(4, "little")


CRAFTED = [name_that_is_no_text, shifted_directory]


@pytest.mark.parametrize("craft", CRAFTED)
def test_a_crafted_zip_is_damaged_and_no_traceback(
    craft: Callable[[bytearray], None], packed: Path, final: Finalised
) -> None:
    whole = bytearray(packed.read_bytes())
    craft(whole)
    packed.write_bytes(whole)
    assert any("damaged in the bundle" in one for one in told(packed).values())
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("first", "x")
    crafted = bytearray(inner.getvalue())
    craft(crafted)
    (final.path / "logs" / "crafted.zip").write_bytes(crafted)
    found = list(secrets_in(final.path))
    assert found[0].startswith("logs/crafted.zip!first, line 1: cannot be searched: damaged: ")


def test_a_damaged_member_does_not_hide_the_others(final: Finalised) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("first", "x")
        archive.writestr("second", f"so {KEY}")
    crafted = bytearray(inner.getvalue())
    name_that_is_no_text(crafted)
    (final.path / "logs" / "crafted.zip").write_bytes(crafted)
    found = list(secrets_in(final.path))
    assert found[0] == (
        "logs/crafted.zip!first, line 1: cannot be searched: damaged: UnicodeDecodeError"
    )
    assert found[1].startswith("logs/crafted.zip!second, line 1: a known secret")


def test_what_a_terminal_would_act_on_is_escaped() -> None:
    assert printable("a\x1b[31m\x9b\u202eb ü") == "a\\x1b[31m\\x9b\\u202eb ü"


def secrets_in(place: Path) -> Iterator[str]:
    return (str(one) for one in scan(place, [KEY]).findings)


def test_a_zip_that_cannot_be_searched_is_said_to_be(final: Finalised) -> None:
    path = final.path / "logs" / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(5_000_000))
    [found] = secrets_in(final.path)
    assert found.startswith("logs/bomb.zip!zeros, line 1: cannot be searched: ")


def test_a_secret_in_a_files_name_is_found_and_not_told(final: Finalised) -> None:
    (final.path / "logs" / f"{KEY}.log").write_text(KEY)
    [found] = secrets_in(final.path)
    assert found.startswith("a file's name in logs, line 1: a known secret")
    assert KEY not in found
    with pytest.raises(SecretFoundError, match="a file's name in logs"):
        bundle(final.path, canaries=[KEY])


def test_what_a_kernel_had_found_is_not_bundled_either(final: Finalised) -> None:
    left = final.path / "scans" / "auth.json"
    left.parent.mkdir()
    left.write_text(
        '{"known_secrets": 1, "too_short_to_look_for": 0, '
        '"findings": [{"file": "logs/a.log", "line": 2, "what": "a known secret"}]}'
    )
    with pytest.raises(SecretFoundError, match=r"logs/a\.log, line 2"):
        bundle(final.path)
    assert not final.path.with_suffix(".zip").exists()


def test_what_went_into_a_bundle_is_what_was_searched(final: Finalised) -> None:
    made = bundle(final.path)
    with zipfile.ZipFile(made.path) as archive:
        infos = archive.infolist()
    assert (made.scan.files, made.scan.bytes) == (len(infos), sum(i.file_size for i in infos))
