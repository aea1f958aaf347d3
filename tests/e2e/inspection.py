"""What is wrong with a page for those who read, hear or hold it otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
TELEPHONE = {"width": 360, "height": 740}
# Points of a grid over each picture at which something else is on top, once the page has come to rest: while
# somebody comes in, pictures move to their places.
COVERED_PICTURES = """async () => {
    const covered = () => [...document.querySelectorAll('.cc-tile-picture video')].flatMap(video => {
        const box = video.getBoundingClientRect();
        const steps = [0.05, 0.275, 0.5, 0.725, 0.95];
        return steps.flatMap(x => steps.map(y => {
            const top = document.elementFromPoint(box.left + x * box.width, box.top + y * box.height);
            return top === video ? null : `${x} ${y} ${top?.className}`;
        })).filter(Boolean);
    });
    const until = performance.now() + 2000;
    while (covered().length > 0 && performance.now() < until) await new Promise(requestAnimationFrame);
    return covered();
}"""


def serious_findings(page: Page) -> list[tuple[str, list[str]]]:
    """What axe finds that is serious or critical: (rule, places)."""
    page.evaluate(AXE.read_text(encoding="utf-8") + ";undefined")
    found: dict[str, Any] = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        (each["id"], [node["html"] for node in each["nodes"]])
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]


def overflow(page: Page) -> int:
    """How many pixels the page is wider than its window."""
    pixels: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return pixels


def covered_pictures(page: Page) -> list[str]:
    """Points of the pictures at which something else is on top."""
    points: list[str] = page.evaluate(COVERED_PICTURES)
    return points
