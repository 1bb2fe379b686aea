"""The PASCAL VOC 2007 data from its official address, checked and safely unpacked."""

import tarfile
from pathlib import Path

from chainrule.errors import FileError
from chainrule.io.downloads import download
from chainrule.io.names import shown
from chainrule.io.progress import Progress

ADDRESS = "http://host.robots.ox.ac.uk/pascal/VOC/voc2007/"

# The site publishes no checksums; these MD5 are what torchvision and others found and agree on.
ARCHIVES = {
    "VOCtrainval_06-Nov-2007.tar": "c52e279531787c972589f7e41ab4ae64",
    "VOCtest_06-Nov-2007.tar": "b6e924de25625d8de591ea690078ad9f",
}


def fetch_voc2007(
    folder: Path, *, mirror: str | None = None, progress: Progress | None = None
) -> Path:
    """Fetch both archives into `folder`, unpack them, and give the tree (VOCdevkit/VOC2007).

    Raises FileError if they cannot be fetched, are damaged, or hold a path outside the folder.
    """
    for name, checksum in ARCHIVES.items():
        address = (mirror or ADDRESS).rstrip("/") + f"/{name}"
        unpack(download(address, folder / name, md5=checksum, progress=progress), folder)
    tree = folder / "VOCdevkit" / "VOC2007"
    if not (tree / "JPEGImages").is_dir() or not (tree / "ImageSets" / "Main").is_dir():
        raise FileError(
            f"the archives hold no {shown(tree)} with JPEGImages and ImageSets/Main; expected the "
            "VOC 2007 data"
        )
    return tree


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar file of plain files and folders that all lie within `folder`.

    Nothing is unpacked if a path leaves the folder, or an entry is a link or a device.
    Raises FileError.
    """
    root = folder.resolve()
    try:
        with tarfile.open(archive) as tar:
            members = tar.getmembers()
            for member in members:
                target = (root / member.name).resolve()
                plain = member.isfile() or member.isdir()
                if not plain or not target.is_relative_to(root):
                    raise FileError(
                        f"{shown(archive)} holds {member.name!r}, which is a link or leaves the "
                        "folder; nothing was unpacked"
                    )
            tar.extractall(root, members=members, filter="data")
    except (tarfile.TarError, EOFError) as error:
        raise FileError(f"{shown(archive)} is damaged: {error}") from error
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{shown(archive)} cannot be unpacked: {error}") from error
