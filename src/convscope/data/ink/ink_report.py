"""What preprocessing found on an image, in one value, from which the warnings follow."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class InkReport:
    """What was found on an image.

    Attributes:
        dark: Whether the ink is darker than its background.
        searched: Whether ink was searched, which only preprocessing for digits does.
        digits: Number of digits; 0 if no ink was found.
        contrast: Levels between ink and background, 0 to 255.
        faint: Whether there are marks that are too faint.
        sheet: Whether a sheet was found on a larger background.
        sheet_area: The sheet's part of the image, 0 to 1.
        lines: Number of ruled lines removed.
        marks: Number of frames and underlines removed.
        at_edge: Whether the ink touches the edge of the image.
        ignored: Whether larger marks at the edge of the sheet or image are ignored.
        constant: Whether the image has a single color.
    """

    dark: bool = False
    searched: bool = True
    digits: int = 0
    contrast: int = 0
    faint: bool = False
    sheet: bool = False
    sheet_area: float = 0.0
    lines: int = 0
    marks: int = 0
    at_edge: bool = False
    ignored: bool = False
    constant: bool = False

    @property
    def blank(self) -> bool:
        """Whether ink was searched and none was found."""
        return self.searched and self.digits == 0

    @property
    def ink_found(self) -> bool | None:
        """Whether there is ink; None if it was not searched."""
        return self.digits > 0 if self.searched else None

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return dict(vars(self))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about the result."""
        found = []
        if self.constant:
            found.append("blank image: all pixels are equal")
        if self.blank:
            found.append("no ink found: the marks are too faint" if self.faint else "no ink found")
        if self.digits > 1:
            found.append(f"{self.digits} digits found")
        if self.digits and self.at_edge:
            found.append("ink touches the edge of the image")
        if self.digits and self.ignored and not self.sheet:
            found.append("marks at the edge of the image are ignored")
        return tuple(found)
