"""Git repositories that would have git run something."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from xreg.core.errors import ConfigError, RunError, XregError
from xreg.registry import worktree
from xreg.registry.datasets import find, open_dataset
from xreg.registry.git import plain_url
from xreg.registry.registries import candidates


def payload(sandbox) -> str:
    return f"touch {sandbox.sentinel}"


def test_no_filter_runs(stranger, sandbox):
    """The tree asks for a filter that the user has for other repositories, LFS among them."""
    run = payload(sandbox)
    (sandbox.home / ".gitconfig").write_text(
        f'[filter "lfs"]\n    smudge = {run}\n    process = {run}\n    required = true\n'
        f'[filter "mine"]\n    smudge = {run}\n'
    )

    def change(root: Path) -> None:
        lines = "*.dvc filter=lfs ident\n* working-tree-encoding=UTF-16 eol=crlf text\n"
        (root / ".gitattributes").write_text(lines)
        (root / "dvc-remote" / ".gitattributes").write_text("* filter=mine\n")

    root = stranger()
    (root / ".gitattributes").write_text("x")  # committed without the filters themselves
    hidden = os.environ["HOME"]
    os.environ["HOME"] = str(sandbox.stranger)
    try:
        change(root)
        identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        off = ["-c", "core.attributesFile=/dev/null"]
        (root / ".git" / "info").mkdir(exist_ok=True)
        (root / ".git" / "info" / "attributes").write_text("* !filter !working-tree-encoding\n")
        for line in (["add", "--all"], ["commit", "--quiet", "-m", "x"]):
            subprocess.run(["git", "-C", str(root), *identity, *off, *line], check=True)
    finally:
        os.environ["HOME"] = hidden
    sandbox.freeze()
    assert len(open_dataset("toy@1.0.0", registry=root.as_uri())) == 50


@pytest.mark.parametrize("name", ["post-checkout", "post-merge", "reference-transaction"])
def test_no_hook_runs(stranger, sandbox, name):
    template = sandbox.home / "template"
    (template / "hooks").mkdir(parents=True)
    hook = template / "hooks" / name
    hook.write_text(f"#!/bin/sh\n{payload(sandbox)}\n")
    hook.chmod(0o755)
    (sandbox.home / ".gitconfig").write_text(
        f"[init]\n    templateDir = {template}\n[core]\n    hooksPath = {template}/hooks\n"
    )
    root = stranger()
    sandbox.sentinel.unlink(missing_ok=True)
    sandbox.freeze()
    assert len(open_dataset("toy@1.0.0", registry=root.as_uri())) == 50


def test_the_working_folder_does_not_configure_git(stranger, sandbox, monkeypatch):
    root = stranger(name="good")
    trap = sandbox.stranger / "trap"
    (trap / ".git").mkdir(parents=True)
    run = payload(sandbox)
    (trap / ".git" / "config").write_text(
        f"[core]\n    fsmonitor = {run}\n    sshCommand = {run}\n    pager = {run}\n"
        f'[credential]\n    helper = "!{run}"\n[alias]\n    ls-remote = "!{run}"\n'
        f'[url "ext::{run} "]\n    insteadOf = file://\n'
    )
    (trap / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    for name in ("objects", "refs"):
        (trap / ".git" / name).mkdir()
    monkeypatch.chdir(trap)
    monkeypatch.setenv("GIT_DIR", str(trap / ".git"))
    sandbox.freeze()
    assert find("toy", registry=root.as_uri()).entry.version == "1.1.0"


def test_submodules_are_left_alone(stranger, sandbox):
    def change(root: Path) -> None:
        run = payload(sandbox)
        (root / ".gitmodules").write_text(
            f'[submodule "x"]\n    path = x\n    url = ext::sh -c "{run}"\n    update = !{run}\n'
        )

    root = stranger(change)
    (sandbox.home / ".gitconfig").write_text("[submodule]\n    recurse = true\n")
    sandbox.freeze()
    assert find("toy", registry=root.as_uri()).entry.version == "1.1.0"


FILTERS = ("clean = {run}; cat", "process = {run}")


@pytest.mark.parametrize("name", ["evil", "lfs", "e=v"])
@pytest.mark.parametrize("line", FILTERS)
def test_a_filter_of_an_unpacked_registry_is_not_run(stranger, sandbox, name, line):
    """A folder has a configuration of its own, and ``git status`` runs its filters."""
    root = stranger(lambda root: (root / ".gitattributes").write_text(f"*.dvc filter={name}\n"))
    text = line.format(run=payload(sandbox))
    with (root / ".git" / "config").open("a") as file:
        file.write(f'[include]\n    path = more\n[filter "{name}"]\n    required = true\n')
    (root / ".git" / "more").write_text(f'[filter "{name}"]\n    {text}\n')
    os.utime(root / "datasets.dvc", (1, 1))
    sandbox.freeze()
    state = worktree.state(root)
    assert state is not None
    assert len(state["commit"]) == 40
    worktree.unpushed(root)
    worktree.uncommitted(root)


def test_an_unpacked_registry_fetches_nothing_by_a_program_of_its_own(stranger, sandbox):
    """Of a partial clone git fetches what is missing, by the program that the clone names."""
    root = stranger()
    with (root / ".git" / "config").open("a") as file:
        file.write(
            "[extensions]\n    partialClone = origin\n[core]\n    repositoryformatversion = 1\n"
            f'[remote "origin"]\n    url = {root}\n    promisor = true\n'
            f"    uploadpack = {payload(sandbox)}; git-upload-pack\n"
        )
    tree = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "HEAD^{tree}"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    for pack in (root / ".git" / "objects").rglob("*"):
        if pack.is_file() and (tree[2:] in pack.name or pack.parent.name == "pack"):
            pack.unlink()
    sandbox.freeze()
    worktree.state(root)
    with suppress(RunError):
        worktree.uncommitted(root)


URLS = (
    "ext::sh -c 'touch x'",
    "ext::sh -c 'touch x' ://",
    "fd::17",
    "http+evil://host/x",
    "remote-helper://x",
    "ssh://-oProxyCommand=touch/x",
    "ssh://host$(touch)/x",
    "ssh://a;b@host/x",
    "-oProxyCommand=touch@host:x",
    "--upload-pack=touch@host:x",
    "git@-oProxyCommand=touch:x",
    "git@host:--upload-pack=touch",
    "http://host/\x1b[2J",
    "http://host/a b",
    "http:///x",
    "http://host/x?access_token=T0KEN",
    "http://user:T0/KEN@host/x",
    "https://host/ghp_T0KEN/repo",
    "https://host/x?X-Amz-Signature=T0KEN",
    "https://user:T0KEN\n@host/x",
    "https://T0KEN\nKEN@host/x",
)


@pytest.mark.parametrize("url", URLS)
def test_an_address_that_git_would_take_for_more(sandbox, xreg, url):
    sandbox.freeze()
    text = xreg("data", "list", "-r", url, code=2) if not url.startswith("-") else ""
    assert "T0KEN" not in text
    assert "KEN@" not in text
    with pytest.raises(XregError):
        candidates(url)[0].root()
    sandbox.check()  # git was not even asked


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://user:pa%40ss@host/x", "https://host/x"),
        ("https://ghp_x@github.com/a/b.git", "https://github.com/a/b.git"),
        ("ssh://git@host:22/x", "ssh://git@host:22/x"),
        ("ssh://git:word@host/x", "ssh://git@host/x"),
        ("git@host:a/b", "git@host:a/b"),
        ("https://[::1]:8080/x", "https://[::1]:8080/x"),
        ("file:///a/b", "file:///a/b"),
    ],
)
def test_what_stays_of_an_address(url, plain):
    assert plain_url(url) == plain


def test_a_port_is_no_password():
    with pytest.raises(ConfigError) as caught:
        plain_url("https://me:S3CRET/x@host/y")
    assert "S3CRET" not in str(caught.value)


@pytest.mark.parametrize("name", ["main", "master", "only"])
def test_a_repository_whose_head_names_no_branch(stranger, sandbox, name):
    """As a bare repository on a server whose first branch was pushed under another name."""
    root = stranger()
    git(root, "branch", "--quiet", "-m", name)
    git(root, "symbolic-ref", "HEAD", "refs/heads/nowhere")
    assert find("toy@1.0.0", registry=root.as_uri()).entry.samples == 50


def test_a_repository_whose_head_names_none_of_several_branches(stranger, sandbox):
    root = stranger()
    git(root, "branch", "--quiet", "-m", "one")
    git(root, "branch", "--quiet", "two")
    git(root, "symbolic-ref", "HEAD", "refs/heads/nowhere")
    with pytest.raises(RunError, match=r"names none of its branches \(one, two\)"):
        find("toy@1.0.0", registry=root.as_uri())


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(root), *arguments], check=True)


@pytest.mark.parametrize("bomb", ["files", "bytes"])
def test_a_tree_that_would_fill_the_disk_is_not_unpacked(stranger, sandbox, monkeypatch, bomb):
    """Eight levels of ten subtrees, all the same one, are a hundred million files."""
    root = stranger()

    def git(*line: str, given: str = "") -> str:
        done = subprocess.run(
            ["git", "-C", str(root), "-c", "user.name=x", "-c", "user.email=x@example.org", *line],
            input=given, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    if bomb == "bytes":
        monkeypatch.setattr("xreg.registry.git.MOST_BYTES", 10_000)
    content, depth = ("x", 8) if bomb == "files" else ("x" * 20_000, 1)
    kind, mode, found = "blob", "100644", git("hash-object", "-w", "--stdin", given=content)
    for _ in range(depth):
        rows = "".join(f"{mode} {kind} {found}\tdeep{i}\n" for i in range(10))
        kind, mode, found = "tree", "040000", git("mktree", given=rows)
    own = git("ls-tree", "HEAD")
    tree = git("mktree", given=f"{own}\n040000 tree {found}\tmore\n")
    git("reset", "--soft", git("commit-tree", tree, "-p", "HEAD", "-m", "more"))
    sandbox.freeze()
    with pytest.raises(RunError, match="would unpack to more than"):
        find("toy", registry=root.as_uri())
    assert not list(sandbox.home.rglob("deep0"))
