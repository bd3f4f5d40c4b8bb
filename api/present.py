"""Core values → shapes of answers. What must not leave the service (authors, full texts) ends here."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from api.schemas import PostOut, PreviewOut, SourceOut, VisitOut
from monitor.config import format_every, source_to_mapping
from monitor.core.mask import shown_post
from monitor.core.model import Post, TrackedSource, Visit
from monitor.core.region import region_of
from monitor.standing import standing

if TYPE_CHECKING:
    from monitor.previews import Preview


def show_post(post: Post, platform: str | None) -> PostOut:
    return PostOut(**shown_post(post), platform=platform, region=region_of(post.annotation.country))


def show_source(one: TrackedSource, now: datetime) -> SourceOut:
    source, state, told = one.source, one.state, standing(one, now)
    return SourceOut(
        id=source.id,
        collector=source.collector,
        platform=source.platform,
        url=source.url,
        name=source.name,
        content_type=source.content_type,
        audience=list(source.audience),
        country=source.country,
        language=source.language,
        every=format_every(source.every) if source.every is not None else None,
        options=dict(source.options),
        verified=state.verified,
        owner="config" if state.declared else "api",
        status=told.status,
        label=told.label,
        reason=told.reason,
        created_at=state.created_at,
        next_due=told.next_try,
        last_try=state.last_try,
        last_success=state.last_success,
        last_new=state.last_new,
        failing_since=state.failing_since,
        error_code=state.error_code,
    )


def show_visit(visit: Visit) -> VisitOut:
    return VisitOut(
        source=visit.source,
        started=visit.started,
        finished=visit.finished,
        outcome=visit.outcome,
        ok=visit.ok,
        message=visit.message,
        bytes=visit.bytes,
        new=visit.new,
        changed=visit.changed,
        rejected=visit.rejected,
        repairs=dict(visit.repairs),
        next_due=visit.next_due,
    )


def show_preview(preview: Preview) -> PreviewOut:
    return PreviewOut(
        ok=preview.error is None,
        source=source_to_mapping(preview.source),
        posts=[show_post(post, preview.source.platform) for post in preview.posts],
        format=preview.facts.format,
        title=preview.facts.title,
        rejected=preview.rejected,
        repairs=list(preview.repairs),
        error=preview.error,
        code=preview.code,
        url=preview.url,
        millis=max(preview.millis, 0),
    )
