"""Measure the controls of a page: how large is what a finger or a mouse must hit?"""

from playwright.sync_api import Page

_MEASURE = """
  (least) => {
    const controls = "a[href], button, select, textarea, summary, input:not([type=hidden]), [role=button]";
    const isShown = (one) => one.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    // A link within a sentence is as high as its line. A control may be smaller than the label around it.
    const isInText = (one) => {
      if (!one.matches("a") || getComputedStyle(one).display !== "inline") return false;
      const texts = Array.from(one.parentElement.childNodes).filter((node) => node.nodeType === 3);
      return texts.some((node) => /[0-9a-zа-яё]/i.test(node.data));
    };
    const area = (one) => {
      const parts = [one, one.closest("label"), ...(one.labels || [])].filter(Boolean);
      const boxes = parts.map((part) => part.getBoundingClientRect());
      return { width: Math.max(...boxes.map((box) => box.width)), height: Math.max(...boxes.map((box) => box.height)) };
    };
    // A control may react around itself: is it hit at the corners of the wanted size?
    const isHit = (one) => {
      one.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
      const box = one.getBoundingClientRect();
      const middle = [box.left + box.width / 2, box.top + box.height / 2];
      const half = [Math.max(box.width, least) / 2 - 1, Math.max(box.height, least) / 2 - 1];
      return [[-1, 0], [1, 0], [0, -1], [0, 1]].every(([x, y]) => {
        const hit = document.elementFromPoint(Math.max(1, middle[0] + x * half[0]), middle[1] + y * half[1]);
        return hit && (one.contains(hit) || hit.closest("label")?.control === one);
      });
    };
    const isOff = (box) => box.width < 2 || box.height < 2 || box.right <= 0;
    return Array.from(document.querySelectorAll(controls))
      .filter((one) => isShown(one) && !isInText(one) && !one.disabled && !one.closest(".crm-skip, [inert]"))
      .map((one) => [one, area(one)])
      .filter(([one]) => !isOff(one.getBoundingClientRect()))
      .filter(([, box]) => box.width < least - .5 || box.height < least - .5)
      .filter(([one]) => !isHit(one))
      .map(([one, box]) => `${Math.round(box.width)}×${Math.round(box.height)} ${one.outerHTML.slice(0, 150)}`);
  }
"""


def small_targets(page: Page, least: int) -> list[str]:
    """Return the size and the HTML of each visible control that is less than `least` pixels wide or high."""
    found: list[str] = page.evaluate(_MEASURE, least)
    return found
