"""Opening files, folders and archives: order, exact bytes, and hostile containers refused."""

import gzip
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from archiver.capture.archives import member_name, open_archive
from archiver.capture.containers import sources
from archiver.capture.streams import Limits
from archiver.errors import InvalidInput, NotFound

SMALL = Limits(members=3, directory=1000, unpacked=20_000, ratio=10, ratio_from=12_000)


def read_all(*paths: Path, limits: Limits = SMALL) -> dict[str, bytes]:
    found = {}
    for source in sources(paths, limits):
        with source.open() as stream:
            found[source.name] = stream.read()
    return found


def zipped(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, members: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def test_a_file_plain_or_gzip_is_one_source(tmp_path: Path) -> None:
    plain = tmp_path / "a.json"
    plain.write_bytes(b"[1]")
    packed = tmp_path / "b.json.gz"
    packed.write_bytes(gzip.compress(b"[2]") + gzip.compress(b"[3]"))
    misnamed = tmp_path / "c.json"
    misnamed.write_bytes(gzip.compress(b"[4]"))
    assert read_all(plain, packed, misnamed) == {
        "a.json": b"[1]",
        "b.json.gz": b"[2][3]",
        "c.json": b"[4]",
    }


def test_a_folder_gives_its_files_sorted_and_without_hidden_ones(tmp_path: Path) -> None:
    (tmp_path / "sub" / ".git").mkdir(parents=True)
    for name in ("b", "a", "sub/c", ".hidden", "sub/.git/d"):
        (tmp_path / name).write_bytes(name.encode())
    folder = tmp_path.name
    assert list(read_all(tmp_path)) == [f"{folder}/a", f"{folder}/b", f"{folder}/sub/c"]


def test_members_of_archives_are_sources_sorted_by_name(tmp_path: Path) -> None:
    one = zipped(tmp_path / "one.zip", {"b.json": b"[1]", "a/b.json": b"[2]"})
    two = tarred(tmp_path / "two.tar.gz", {"./x.json": b"[3]"})
    three = tarred(tmp_path / "three.tar", {"y.json": b"[4]"}, "w")
    assert read_all(one, two, three, limits=Limits()) == {
        "one.zip!a/b.json": b"[2]",
        "one.zip!b.json": b"[1]",
        "two.tar.gz!x.json": b"[3]",
        "three.tar!y.json": b"[4]",
    }


def test_a_path_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        list(sources([tmp_path / "none"]))
    with pytest.raises(NotFound), open_archive(tmp_path / "none"):
        pass


def test_links_in_folders_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s")
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "link.json").symlink_to(secret)
    with pytest.raises(InvalidInput, match="symbolic link"):
        read_all(folder)


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../up", "a/../../up", "..", "C:/x", "a\\b", "a\x00b", "a\nb", ""],
)
def test_hostile_member_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="hostile name"):
        member_name(name)


@pytest.mark.parametrize("name", ["../../escaped", "/escaped", "a/../../escaped"])
def test_an_archive_with_a_hostile_name_is_refused_and_writes_nothing(
    tmp_path: Path, name: str
) -> None:
    for path in (
        zipped(tmp_path / "slip.zip", {name: b"x"}),
        tarred(tmp_path / "slip.tar.gz", {name: b"x"}),
    ):
        with pytest.raises(InvalidInput, match="hostile name"):
            read_all(path)
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["slip.tar.gz", "slip.zip"]


def test_links_and_devices_in_archives_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = tmp_path / "link.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InvalidInput, match="symbolic link"):
        read_all(path)
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
        member = tarfile.TarInfo("odd")
        member.type = kind
        member.linkname = "/etc/passwd"
        tar = tmp_path / "odd.tar"
        with tarfile.open(tar, "w") as archive_of_links:
            archive_of_links.addfile(member)
        with pytest.raises(InvalidInput, match="link or device"):
            read_all(tar)


def test_a_zip_bomb_is_refused_before_anything_is_unpacked(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bomb.zip", {"a.json": b"0" * 15_000})
    with pytest.raises(InvalidInput, match="10 to 1: refused as a bomb"):
        list(sources([path], SMALL))


def test_a_zip_that_lies_about_its_sizes_gives_no_more_than_it_says(tmp_path: Path) -> None:
    path = zipped(tmp_path / "liar.zip", {"a.json": b"0" * 15_000})
    content = path.read_bytes().replace((15_000).to_bytes(4, "little"), (90).to_bytes(4, "little"))
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_all(path)


@pytest.mark.parametrize("make", [zipped, tarred])
def test_limits_on_members_and_total_are_checked(tmp_path: Path, make: type) -> None:
    many = make(tmp_path / "many.tar.gz", {f"{n}": b"" for n in range(4)})
    with pytest.raises(InvalidInput, match="holds 4 members; at most 3"):
        read_all(many)
    big = make(tmp_path / "big.tar.gz", {f"{n}": os.urandom(12_000) for n in range(2)})
    with pytest.raises(InvalidInput, match=r"unpacks to|more than"):
        read_all(big)


def test_a_zip_whose_directory_is_huge_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "names.zip", {"n" * 900: b"", "m" * 900: b""})
    with pytest.raises(InvalidInput, match="lists its members in"):
        list(sources([path], SMALL))


def test_a_gzip_bomb_ends_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bomb.json.gz"
    path.write_bytes(gzip.compress(b"0" * 1_000_000))
    with pytest.raises(InvalidInput, match="refused as a bomb"):
        read_all(path, limits=Limits(ratio=10, ratio_from=1000))
    tar = tmp_path / "bomb.tar.gz"
    tarred(tar, {"a": b"0" * 1_000_000})
    with pytest.raises(InvalidInput, match="refused as a bomb"):
        read_all(tar, limits=Limits(ratio=10, ratio_from=1000))


@pytest.mark.parametrize("name", ["inner.zip", "a.json.gz", "x.TAR", "deep/b.7z"])
def test_archives_in_archives_are_refused(tmp_path: Path, name: str) -> None:
    for path in (
        zipped(tmp_path / "outer.zip", {name: b"x"}),
        tarred(tmp_path / "outer.tar", {name: b"x"}, "w"),
    ):
        with pytest.raises(InvalidInput, match="an archive in an archive"):
            read_all(path, limits=Limits())


def test_encrypted_and_ambiguous_zips_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "locked.zip", {"a": b"x"})
    content = bytearray(path.read_bytes())
    content[content.find(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match="encrypted"):
        read_all(path)
    twice = tmp_path / "twice.zip"
    with zipfile.ZipFile(twice, "w") as archive:
        archive.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a", b"2")
    with pytest.raises(InvalidInput, match="two members of one name"):
        read_all(twice)


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
def test_damaged_containers_raise_nothing_but_invalid_input(tmp_path: Path, cut: float) -> None:
    noise = os.urandom(5000)
    for path in (
        zipped(tmp_path / "cut.zip", {"a": noise}),
        tarred(tmp_path / "cut.tar.gz", {"a": noise}),
        tarred(tmp_path / "cut.tar", {"a": noise}, "w"),
    ):
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * cut)])
        try:
            found = read_all(path, limits=Limits())
        except InvalidInput:
            continue
        assert found in (
            {path.name: path.read_bytes()},
            {f"{path.name}!a": noise},
        ), "what can be read is read whole, or as the plain file it has become"


def test_every_flipped_byte_of_a_zip_is_read_or_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "flip.zip", {"a": b"hello " * 20, "b": b"world"})
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            read_all(path, limits=Limits())
        except InvalidInput:
            continue


def test_a_folder_reads_as_the_archive_it_was_unpacked_from(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.js").write_bytes(b"x")
    with open_archive(tmp_path) as archive:
        assert archive.names() == ["data/a.js"]
        assert archive.size("data/a.js") == 1
        with archive.open("data/a.js") as stream:
            assert stream.read() == b"x"
        with pytest.raises(InvalidInput, match="hostile"):
            archive.open("../x")
