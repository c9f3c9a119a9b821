"""Describes schedules in words, for people."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from engine.triggers import cron
from engine.triggers.schedule import ScheduleConfig

Language = Literal["en", "de"]
_UNITS = {
    "en": {"minute": "minute", "hour": "hour", "day": "day"},
    "de": {"minute": "Minute", "hour": "Stunde", "day": "Tag"},
}
_GERMAN = {
    "Monday": "Montag", "Tuesday": "Dienstag", "Wednesday": "Mittwoch", "Thursday": "Donnerstag", "Friday": "Freitag",
    "Saturday": "Samstag", "Sunday": "Sonntag", "January": "Januar", "February": "Februar", "March": "März",
    "May": "Mai", "June": "Juni", "July": "Juli", "October": "Oktober", "December": "Dezember",
}  # fmt: skip
"""The library reads the names of days and months from the process's locale, which has English ones."""


def in_words(config: ScheduleConfig, language: Language) -> str:
    """Describe when a schedule fires; times are those of its time zone."""
    if config.cron is not None:
        return _cron_in_words(config.cron, language)
    if config.every is not None:
        number, unit = config.every.split()
        return _every(int(number), unit.rstrip("s"), language)
    moment = datetime.fromisoformat(config.at or "")
    if language == "de":
        return f"Einmal, am {moment:%d.%m.%Y} um {moment:%H:%M}"
    return f"Once, on {moment:%Y-%m-%d} at {moment:%H:%M}"


def _every(number: int, unit: str, language: Language) -> str:
    name = _UNITS[language][unit]
    if language == "de":
        article = "Jeden" if unit == "day" else "Jede"
        plural = {"Minute": "Minuten", "Stunde": "Stunden", "Tag": "Tage"}[name]
        return f"{article} {name}" if number == 1 else f"Alle {number} {plural}"
    return f"Every {name}" if number == 1 else f"Every {number} {name}s"


def _cron_in_words(expression: str, language: Language) -> str:
    from cron_descriptor import ExpressionDescriptor, Options

    options = Options(verbose=True, use_24hour_time_format=True, locale_code="de_DE" if language == "de" else "en_US")
    words = str(ExpressionDescriptor(cron.normal(expression), options).get_description())
    for english, german in _GERMAN.items() if language == "de" else ():
        words = words.replace(english, german)
    return words
