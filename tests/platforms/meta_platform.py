"""A stand-in for Meta's Graph APIs: Facebook pages, Instagram hashtags and accounts, Threads. Everybody is invented.

Strict where the real ones are: fields and limits, versions, features that are not granted, and nearly every fault as
status 400 with a number in its body.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from collectors.base import Source
from tests.platforms.case import Case
from tests.platforms.meta_posts import (
    ACCOUNT,
    ACCOUNT_ID,
    CURSOR,
    EPOCH,
    KEY,
    LOOKUP_FIELDS,
    MEDIA_FIELDS,
    OPERATOR,
    OWNER,
    PAGE,
    PAGE_FIELDS,
    PAGE_ID,
    POST_FIELDS,
    PROFILE,
    PROFILE_FIELDS,
    SEARCH_FIELDS,
    SENSITIVE,
    TAG,
    TAG_ID,
    WORDS,
    Fault,
    Kind,
    Post,
    absent,
    account_media,
    check_fields,
    media,
    page_post,
    thread,
)  # fmt: skip
from tests.platforms.serving import START, Asked, Platform, Told

_URLS = {
    "page": f"https://www.facebook.com/{PAGE}",
    "hashtag": f"https://www.instagram.com/explore/tags/{TAG}/",
    "account": f"https://www.instagram.com/{ACCOUNT}/",
    "search": "https://www.threads.com/search?q=waiting%20room",
    "profile": f"https://www.threads.com/@{PROFILE}",
}
_SIZES = {"page": 60, "hashtag": 120, "account": 60, "search": 220, "profile": 220}


class MetaPlatform(Platform):
    """Posts are listed by the kind of source it is made for.

    Attributes to be set by tests:
        page_access, public_content, approved_search, profile_discovery, basic_advanced: what is granted to the app.
        published_posts: False: that edge is refused, `posts` is not.
        used: percent of the allowance; grows by `step` with every request.
        circles: the last page of a hashtag comes again and again.
        hashtags: how many more different ones may be asked for.
    """

    def __init__(self, clock: Callable[[], datetime], kind: Kind) -> None:
        super().__init__(clock)
        self.kind = kind
        self.page_access = self.public_content = self.approved_search = True
        self.profile_discovery = self.basic_advanced = self.published_posts = True
        self.used, self.step = 1.0, 0.0
        self.circles = False
        self.hashtags = 30
        self._asked_tags: set[str] = set()
        self._shown = 0
        every = timedelta(minutes=10)
        self.posts = [Post(kind, number, START - every * (_SIZES[kind] - number)) for number in range(_SIZES[kind])]
        self.posts[5].repost = True

    # What tests do

    def ids(self) -> set[str]:
        passed_on = self.kind in ("page", "search", "profile")
        return {one.native for one in self.posts if not one.broken and not (passed_on and one.repost)}

    def publish(self, count: int) -> None:
        number, now = self.posts[-1].number + 1, self.clock()
        self.posts += [Post(self.kind, number + one, now - timedelta(seconds=count - one)) for one in range(count)]

    def break_one(self) -> str:
        post = self.posts[len(self.posts) // 2]
        post.broken = True
        return post.native

    def remove_one(self) -> str:
        return self.posts.pop(-7).native

    # What the platform says

    def answer_throttled(self, asked: Asked) -> Told:
        fault = Fault(4, "(#4) Application request limit reached")
        usage = {"1784": [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 19}]}
        return Told.json(fault.body, 400, x_business_use_case_usage=orjson.dumps(usage).decode())

    def answer(self, asked: Asked) -> Told:
        self.used = min(100.0, self.used + self.step)
        usage = {"call_count": self.used, "total_cputime": 1, "total_time": 2}
        try:
            data, page = self._route(asked)
        except Fault as fault:
            told = Told.json(fault.body, fault.status)
        else:
            told = Told.json(data, page=page)
        return Told(told.status, told.body, {**told.headers, "x-app-usage": orjson.dumps(usage).decode()}, told.page)

    def _route(self, asked: Asked) -> tuple[Any, bool]:
        form = parse_qs(asked.body.decode()) if asked.method == "POST" else {}
        token = form["access_token"][0] if "access_token" in form else asked.one("access_token")
        if token != KEY:
            raise Fault(190, f"Malformed access token {token}")
        _, version, *steps = asked.path.split("/")
        if version == "v26.0":
            if asked.method == "POST":
                return self._batch(form), False
            return self._graph(
                [step for step in steps if step], {name: values[0] for name, values in asked.query.items()}
            )
        if version == "v1.0" and asked.method == "GET":
            return self._threads(steps, asked)
        raise Fault(
            2635, "You are calling a deprecated version of the API. Please update to the latest version: v26.0."
        )

    def _batch(self, form: dict[str, list[str]]) -> list[Any]:
        requests = orjson.loads(form["batch"][0])
        if len(requests) > 50:
            raise Fault(100, "Too many requests in batch message. Maximum batch size is 50")
        answers = []
        for one in requests:
            parts = urlsplit(one["relative_url"])
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            try:
                code, body = 200, self._graph(parts.path.strip("/").split("/"), query)[0]
            except Fault as fault:
                code, body = fault.status, fault.body
            answers.append({"code": code, "body": orjson.dumps(body).decode()})
        return answers

    # Facebook and Instagram

    def _graph(self, steps: list[str], query: dict[str, str]) -> tuple[Any, bool]:
        if not steps:
            raise Fault(100, "The ids query parameter is deprecated in v26.0+.")
        match steps:
            case ["ig_hashtag_search"]:
                return self._hashtag_search(query), False
            case [tag, "recent_media"] if tag == TAG_ID:
                return self._recent(query)
            case [account] if account == OPERATOR:
                return self._discovery(query)
            case [page] if page in (PAGE, PAGE_ID):
                self._need_page()
                check_fields(query, PAGE_FIELDS)
                return {"id": PAGE_ID, "about": "Nurses and doctors of an invented town", "followers_count": 5210,
                        "verification_status": "blue_verified"}, False  # fmt: skip
            case [page, "published_posts" | "posts" as edge] if page in (PAGE, PAGE_ID):
                self._need_page()
                if edge == "published_posts" and not self.published_posts:
                    raise Fault(10, "(#10) This endpoint requires a page access token")
                return self._page_posts(query, edge)
            case [native] if "_" in native and self.kind == "page":
                check_fields(query, POST_FIELDS)
                for post in self.posts:
                    if post.native == native and self.page_access:
                        return page_post(post), False
                raise absent(native)
        raise Fault(803, f"(#803) Some of the aliases you requested do not exist: {steps[0]}")

    def _need_page(self) -> None:
        if not self.page_access:
            raise Fault(
                100,
                "(#100) Object does not exist, cannot be loaded due to missing permission or reviewable feature, or "
                "does not support this operation. This endpoint requires the 'pages_read_engagement' permission or "
                "the 'Page Public Content Access' feature.",
            )

    def _page_posts(self, query: dict[str, str], edge: str) -> tuple[Any, bool]:
        check_fields(query, POST_FIELDS)
        limit = int(query.get("limit", "25"))
        if limit > 100:
            raise Fault(100, "(#100) Param limit must be a number between 1 and 100")
        posts = self._window(query)
        posts = [post for post in posts if "after" not in query or _mark(post) < query["after"]]
        shown = posts[:limit]
        data: dict[str, Any] = {"data": [page_post(post) for post in shown]}
        if shown:
            data["paging"] = {"cursors": {"before": _mark(shown[0]), "after": _mark(shown[-1])}}
            if len(posts) > limit:
                data["paging"]["next"] = f"https://graph.facebook.com/v26.0/{PAGE_ID}/{edge}?access_token={KEY}"
        return data, bool(shown)

    def _hashtag_search(self, query: dict[str, str]) -> Any:
        self._need_public()
        if query.get("user_id") != OPERATOR or not query.get("q"):
            raise Fault(100, "(#100) The parameter user_id is required")
        if query["q"] == SENSITIVE:
            raise Fault(100, "Invalid parameter", 2207999)
        if query["q"] != TAG:
            raise Fault(24, "The requested resource does not exist", 2207024)
        self._count_tag(TAG_ID)
        return {"data": [{"id": TAG_ID}]}

    def _need_public(self) -> None:
        if not self.public_content:
            raise Fault(
                10, "(#10) To use 'Instagram Public Content Access', your use of this endpoint must be reviewed"
            )

    def _count_tag(self, tag: str) -> None:
        self._asked_tags.add(tag)
        if len(self._asked_tags) > self.hashtags:
            raise Fault(18, "(#18) This API call could not be completed due to resource limits", 2207034)

    def _recent(self, query: dict[str, str]) -> tuple[Any, bool]:
        self._need_public()
        self._count_tag(TAG_ID)
        if query.get("user_id") != OPERATOR:
            raise Fault(100, "(#100) The parameter user_id is required")
        check_fields(query, MEDIA_FIELDS - {"media_product_type"})
        limit = int(query.get("limit", "25"))
        if limit > 50:
            raise Fault(100, "(#100) Param limit must be a number between 1 and 50")
        if query.get("after") not in (None, CURSOR):
            raise Fault(100, "Invalid cursors values")
        day = [post for post in self.posts if self.clock() - post.at <= timedelta(hours=24)]
        day.sort(key=lambda post: post.number * 37 % 101)  # in no order
        if "after" not in query:
            self._shown = 0
        elif self._shown + limit < len(day) or not self.circles:
            self._shown += limit
        shown = day[self._shown : self._shown + limit]
        data: dict[str, Any] = {"data": [media(post) for post in shown]}
        if self._shown + limit < len(day) or self.circles:
            data["paging"] = {"cursors": {"after": CURSOR}, "next": f"https://graph.facebook.com/?access_token={KEY}"}
        return data, bool(shown)

    def _discovery(self, query: dict[str, str]) -> tuple[Any, bool]:
        self._need_public()
        found = re.fullmatch(
            r"business_discovery\.username\(([\w.]+)\)\{([\w,]+),media\.limit\((\d+)\)(?:\.after\((mark\d+)\))?\{([\w,]+)\}\}",
            query.get("fields", ""),
        )
        if found is None:
            raise Fault(100, "(#100) Syntax error in the field expansion")
        if found[1] != ACCOUNT:
            raise Fault(110, "Invalid user id", 2207013)
        if unknown := set(found[5].split(",")) - MEDIA_FIELDS:
            raise Fault(100, f"(#100) Tried accessing nonexisting field ({unknown.pop()})")
        limit, listed = int(found[3]), self._newest()
        posts = [post for post in listed if found[4] is None or _mark(post) < found[4]]
        shown = posts[:limit]
        cursors = {"before": _mark(shown[0])} if found[4] and shown else {}
        if len(posts) > limit:
            cursors["after"] = _mark(shown[-1])
        media = {"data": [account_media(post) for post in shown], "paging": {"cursors": cursors}}
        account = {"id": ACCOUNT_ID, "username": ACCOUNT, "biography": "Registered nurses", "followers_count": 640,
                   "media_count": len(listed), "media": media}  # fmt: skip
        return {"business_discovery": account, "id": OPERATOR}, bool(shown)

    # Threads

    def _threads(self, steps: list[str], asked: Asked) -> tuple[Any, bool]:
        query = {name: values[0] for name, values in asked.query.items() if name != "access_token"}
        match steps:
            case ["me"]:
                return {"id": "42", "username": OWNER}, False
            case ["keyword_search"]:
                return self._search(query)
            case ["profile_lookup"]:
                self._need_profile(query)
                check_fields(query, LOOKUP_FIELDS)
                return {
                    "username": PROFILE,
                    "biography": "ICU nurse",
                    "follower_count": 1500,
                    "is_verified": True,
                }, False
            case ["profile_posts"]:
                self._need_profile(query)
                return self._listing(query, self._newest(), PROFILE_FIELDS, {"username"})
            case [native] if native.isdecimal():
                check_fields(query, LOOKUP_FIELDS | SEARCH_FIELDS)
                for post in self.posts:
                    if post.native == native and (self.basic_advanced or post.author == OWNER):
                        return thread(post), False
                raise absent(native)
        raise absent(steps[0])

    def _need_profile(self, query: dict[str, str]) -> None:
        if not self.profile_discovery:
            raise Fault(10, "Application does not have permission for this action")
        if query.get("username") != PROFILE:
            raise Fault(100, "The requested user does not exist", 33)

    def _search(self, query: dict[str, str]) -> tuple[Any, bool]:
        if not query.get("q") or query.get("search_type", "TOP") not in ("TOP", "RECENT"):
            raise Fault(100, "(#100) The parameter q is required")
        if query.get("search_mode", "KEYWORD") not in ("KEYWORD", "TAG"):
            raise Fault(100, "(#100) Param search_mode must be one of KEYWORD, TAG")
        posts = self._newest()
        if query["q"] == "news" and self.kind == "search":
            posts = [Post(self.kind, 1, START - timedelta(days=1), author="example_daily")]
        elif query["q"] not in (WORDS, WORDS.replace(" ", "")):
            posts = []
        if not self.approved_search:
            posts = [post for post in posts if post.author == OWNER]
        data, page = self._listing(query, posts, SEARCH_FIELDS, {"q", "search_type", "search_mode", "author_username"})
        return data, page and query["q"] != "news"

    def _listing(
        self, query: dict[str, str], posts: list[Post], known: frozenset[str], more: set[str]
    ) -> tuple[Any, bool]:
        check_fields(query, known)
        if odd := set(query) - more - {"fields", "limit", "since", "until"}:
            raise Fault(100, f"(#100) Unknown parameter {sorted(odd)[0]}")
        limit, now = int(query.get("limit", "25")), int(self.clock().timestamp())
        since, until = int(query.get("since", EPOCH)), int(query.get("until", now))
        if not 0 <= limit <= 100 or not EPOCH <= since < until <= now:
            raise Fault(100, "(#100) Param since or until or limit is out of bounds")
        shown = [
            post
            for post in posts
            if since <= post.at.timestamp() and ("until" not in query or post.at.timestamp() < until)
        ]
        data: dict[str, Any] = {"data": [thread(post) for post in shown[:limit]]}
        if data["data"]:
            data["paging"] = {"cursors": {"before": "b", "after": "a"}}
        return data, bool(data["data"])

    # Both

    def _newest(self) -> list[Post]:
        return sorted(self.posts, key=lambda post: post.at, reverse=True)

    def _window(self, query: dict[str, str]) -> list[Post]:
        since, until = int(query.get("since", "0")), int(query.get("until", "9" * 11))
        return [post for post in self._newest() if since <= post.at.timestamp() < until]


def _mark(post: Post) -> str:
    """Where a listing goes on: bound to the post, whatever is published meanwhile."""
    return f"mark{post.number:06}"


def source(kind: Kind, **options: Any) -> Source:
    platform = {"page": "facebook", "hashtag": "instagram", "account": "instagram"}.get(kind, "threads")
    if platform == "instagram":
        options = {"account": OPERATOR, **options}
    return Source(id="it", collector="meta", platform=platform, url=_URLS[kind], options=options)


def _case(kind: Kind, name: str, *, deletes: bool, engagement: bool) -> Case:
    return Case(
        name=name,
        source=source(kind),
        platform=lambda clock: MetaPlatform(clock, kind),
        key=KEY,
        wrong_key="7654321|hush-wrong",
        deletes=deletes,
        engagement=engagement,
    )


CASES: list[Case] = [
    _case("page", "facebook page", deletes=True, engagement=True),
    _case("hashtag", "instagram hashtag", deletes=False, engagement=True),
    _case("account", "instagram account", deletes=False, engagement=True),
    _case("search", "threads search", deletes=True, engagement=False),
    _case("profile", "threads profile", deletes=True, engagement=False),
]
