"""Every relative link in a committed page leads somewhere."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def _pages() -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in sorted(set(listed.splitlines())) if (ROOT / name).is_file()]


def test_links_lead_somewhere() -> None:
    dangling = [f"{page.relative_to(ROOT)}: {target}" for page in _pages() for target in _dangling(page)]
    assert not dangling, dangling


def _dangling(page: Path) -> list[str]:
    targets = [link for link in LINK.findall(page.read_text()) if "://" not in link and not link.startswith("mailto:")]
    return [target for target in targets if not (page.parent / target).exists()]


def test_no_two_decisions_have_the_same_number() -> None:
    numbers = [path.name[:4] for path in (ROOT / "docs" / "decisions").glob("0*.md")]
    titles = [path.read_text().split(".")[0] for path in (ROOT / "docs" / "decisions").glob("0*.md")]
    assert sorted(numbers) == sorted(set(numbers))
    assert sorted(titles) == sorted(f"# {number}" for number in numbers)
