"""X as its documents describe it: recent search, timelines, look-ups, both vocabularies, limits and refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from collectors.base import Source
from tests.platforms.case import Case
from tests.platforms.serving import START, Asked, Platform, Told
from tests.platforms.x_words import (
    ALWAYS,
    MEDIA,
    PLACES,
    PROBLEMS,
    RENAMED,
    USAGE_CAPPED,
    WINDOW,
    WrongError,
    check_parameters,
    dashed,
    id_at,
    lost,
    make_user,
    nobody,
    picked,
    problem,
    references,
    written,
)  # fmt: skip

KEY = "hush-app-token"
SEARCH = Source(
    id="it", collector="x", platform="x", url="https://x.com/search?q=flu", options={"usd_a_day": 1000}
)  # fmt: skip
TIMELINE = Source(id="it", collector="x", platform="x", url="https://x.com/example_clinic", options={"usd_a_day": 1000})
AUTHOR = "2000000001"


class X(Platform):
    """Posts of the last days, one an hour at most.

    Attributes to be set by tests:
        vocabulary: 'classic' or 'renamed'; the other one's parameter is refused.
        usage_capped: what it says when `throttled` is that the month's reads are used up.
        refuse: what every request is answered with instead, if anything.
        partial_errors: good answers come with errors beside them.
        remaining: requests that are left until `clock()` + 15 minutes.
        posts_read, users_read: what X would charge for, without leaving anything out.
    """

    def __init__(
        self, clock: Callable[[], datetime] = lambda: START, *, posts: int = 230, vocabulary: str = "classic"
    ) -> None:
        super().__init__(clock)
        self.vocabulary = vocabulary
        self.usage_capped = False
        self.refuse: Told | None = None
        self.partial_errors = False
        self.remaining = 450
        self.posts_read = 0
        self.users_read = 0
        self.posts: list[dict[str, Any]] = []
        self.unread: set[str] = set()
        self.removed: set[str] = set()
        self.hidden: set[str] = set()
        self._tokens: dict[str, int] = {}
        self.users = {
            AUTHOR: make_user(AUTHOR, "example_clinic", followers=1200, verified=True, verified_type="business"),
            "2000000002": make_user("2000000002", "example_nurse", followers=0, verified=False, verified_type="none"),
            "2000000003": make_user("2000000003", "example_private", followers=5, protected=True),
        }
        start = self.clock() - timedelta(days=6)
        step = timedelta(days=5, hours=12) / max(posts, 1)
        for number in range(posts):
            self.add(start + step * number, number)

    def add(self, when: datetime, number: int = 0, **more: Any) -> dict[str, Any]:
        """One more post. Every tenth has no counts, every third has counts of zero."""
        post = {
            "id": id_at(when, number),
            "text": f"Invented flu post number {number} #flu",
            "author_id": AUTHOR,
            "created_at": written(when),
            "conversation_id": id_at(when, number),
            "lang": "en",
            "paid_partnership": False,
            "entities": {"hashtags": [{"start": 0, "end": 4, "tag": "flu"}]},
            "public_metrics": {
                "retweet_count": number % 3,
                "reply_count": number % 3,
                "like_count": (number % 3) * 7,
                "quote_count": 0,
                "bookmark_count": 0,
                "impression_count": (number % 3) * 100,
            },
        } | more
        post.setdefault("edit_history_tweet_ids", [post["id"]])
        if number % 10 == 9:
            del post["public_metrics"]
        post = {name: value for name, value in post.items() if value is not None}
        self.posts.append(post)
        self.posts.sort(key=lambda one: int(one["id"]))
        return post

    def forget_tokens(self) -> None:
        """From now on no page token given so far is taken."""
        self._tokens.clear()

    def ids(self) -> set[str]:
        held = [post for post in self.posts if post["id"] not in self.unread | self.removed | self.hidden]
        return {post["edit_history_tweet_ids"][0] for post in held}

    def publish(self, count: int) -> None:
        newest = datetime.fromisoformat(self.posts[-1]["created_at"]) if self.posts else self.clock() - WINDOW / 2
        room = self.clock() - timedelta(seconds=31) - newest
        for number in range(count):
            self.add(newest + room * (number + 1) / count, 1000 + len(self.posts))

    def break_one(self) -> str:
        post = next(one for one in self.posts[len(self.posts) // 2 :] if one["id"] not in self.unread)
        post["created_at"], post["text"] = 17, {"runs": ["flu"]}
        self.unread.add(post["id"])
        return str(post["id"])

    def remove_one(self) -> str:
        post = next(one for one in reversed(self.posts) if one["id"] in self.ids())
        self.removed.add(post["id"])
        return str(post["id"])

    def answer_throttled(self, asked: Asked) -> Told:
        if self.usage_capped:
            return USAGE_CAPPED
        body = {"title": "Too Many Requests", "detail": "Too Many Requests", "type": "about:blank", "status": 429}
        return Told.json(body, 429, page=False, **self._rate(0))

    def answer(self, asked: Asked) -> Told:
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return problem(401, "Unauthorized", "Unauthorized", status=401)
        if self.refuse is not None:
            return self.refuse
        if self.remaining <= 0:
            return self.answer_throttled(asked)
        self.remaining -= 1
        told = self._route(asked)
        return Told(told.status, told.body, {**told.headers, **dashed(self._rate(self.remaining))}, told.page)

    def _route(self, asked: Asked) -> Told:
        path = asked.path.removeprefix("/2/").split("/")
        try:
            if path == ["tweets", "search", "recent"]:
                return self._listing(asked, search=True)
            if path == ["tweets"]:
                return self._look_up(asked)
            if path[:3] == ["users", "by", "username"] and len(path) == 4:
                return self._user(asked, path[3])
            if path[0] == "users" and path[2:] == ["tweets"]:
                return self._listing(asked, search=False, user=path[1])
        except WrongError as wrong:
            return wrong.told
        return problem(404, "Not Found", "Not Found", status=404)

    # What is asked for

    def _listing(self, asked: Asked, *, search: bool, user: str = "") -> Told:
        own = {"query", "next_token", "sort_order"} if search else {"exclude"}
        check_parameters(
            asked,
            own | {"pagination_token", "max_results", "since_id", "until_id", "start_time", "end_time"},
            self.vocabulary,
        )
        least = 10 if search else 5
        size = int(asked.one("max_results", "10"))
        if not least <= size <= 100:
            raise WrongError(
                asked, "max_results", f"The `max_results` query parameter value [{size}] is not between {least} and 100"
            )
        if not search and user not in self.users:
            return nobody("id", user)
        found = self._bounded(asked, search=search)
        if search:
            word = self._word(asked)
            found = [post for post in found if word in str(post["text"]).lower()]
        else:
            found = [post for post in found if post["author_id"] == user]
        left_out = (
            asked.one("exclude").split(",")
            if not search
            else ["retweets"]
            if "-is:retweet" in asked.one("query")
            else []
        )
        if "-is:reply" in asked.one("query"):
            left_out.append("replies")
        kinds = {"retweets": "retweeted", "replies": "replied_to"}
        found = [post for post in found if not any(kinds[one] in references(post) for one in left_out if one)]
        token = asked.one("next_token") or asked.one("pagination_token")
        if token:
            if token not in self._tokens:
                name = "next_token" if asked.one("next_token") else "pagination_token"
                raise WrongError(asked, name, f"The `{name}` query parameter value [{token}] is not valid")
            found = [post for post in found if int(post["id"]) < self._tokens[token]]
        found.sort(key=lambda post: -int(post["id"]))
        page, rest = found[:size], found[size:]
        meta: dict[str, Any] = {"result_count": len(page)}
        if page:
            meta |= {"newest_id": page[0]["id"], "oldest_id": page[-1]["id"]}
        if rest:
            meta["next_token"] = f"b26v{len(self._tokens):06d}"
            self._tokens[meta["next_token"]] = int(page[-1]["id"])
        return self._told(asked, page, meta=meta, page=True)

    def _bounded(self, asked: Asked, *, search: bool) -> list[dict[str, Any]]:
        now = self.clock()
        first = now - WINDOW
        by_id, by_time = ("since_id", "until_id"), ("start_time", "end_time")
        if any(map(asked.one, by_id)) and any(map(asked.one, by_time)):
            raise WrongError(
                asked,
                *[name for name in (*by_id, *by_time) if asked.one(name)],
                message="Invalid use of 'since_id' or 'until_id' in conjunction with 'start_time' or 'end_time'.",
            )
        found = [post for post in self.posts if post["id"] not in self.removed]
        if search:
            found = [post for post in found if id_at(first) < post["id"] < id_at(now - timedelta(seconds=30))]
        for name in by_id:
            if asked.one(name) and search and int(asked.one(name)) < int(id_at(first)):
                raise WrongError(
                    asked, name,
                    f"'{name}' must be a tweet id created after {first:%Y-%m-%dT%H:%MZ}. Please use a '{name}' that is "
                    f"larger than {id_at(first)}",
                )  # fmt: skip
        for name in by_time:
            if not asked.one(name):
                continue
            when = datetime.fromisoformat(asked.one(name))
            if search and when < first:
                raise WrongError(
                    asked,
                    name,
                    f"Invalid '{name}':'{asked.one(name)}'. '{name}' must be on or after {first:%Y-%m-%dT%H:%MZ}",
                )
            if when > now - timedelta(seconds=10):
                raise WrongError(
                    asked,
                    name,
                    f"Invalid '{name}':'{asked.one(name)}'. '{name}' must be a minimum of 10 seconds prior to the request time.",
                )
        if asked.one("start_time") and asked.one("end_time") and asked.one("start_time") >= asked.one("end_time"):
            raise WrongError(asked, "end_time", "Invalid 'end_time'. 'start_time' must be before 'end_time'")
        low = int(
            asked.one("since_id") or id_at(datetime.fromisoformat(asked.one("start_time") or "2011-01-01T00:00:00Z"))
        )
        high = int(
            asked.one("until_id") or id_at(datetime.fromisoformat(asked.one("end_time") or "2100-01-01T00:00:00Z"))
        )
        inclusive = 0 if asked.one("since_id") else 1
        return [post for post in found if low - inclusive < int(post["id"]) < high]

    def _word(self, asked: Asked) -> str:
        query = asked.one("query")
        if not query or len(query) > 512:
            raise WrongError(
                asked, "query", "There were errors processing your request: the query is empty or too long"
            )
        if "min_faves:" in query or "(" in query.replace("(flu", ""):
            raise WrongError(asked, "query", "There were errors processing your request: Reference to invalid operator")
        return query.strip("(").split()[0].lower()

    def _look_up(self, asked: Asked) -> Told:
        check_parameters(asked, {"ids"}, self.vocabulary)
        ids = asked.one("ids").split(",")
        if not 1 <= len(ids) <= 100 or not all(one.isdecimal() for one in ids):
            raise WrongError(asked, "ids", "The `ids` query parameter takes 1 to 100 ids")
        known = {
            version: post | ({"id": version, "text": "Before the edit"} if version != post["id"] else {})
            for post in self.posts
            if post["id"] not in self.removed
            for version in post["edit_history_tweet_ids"]
        }
        errors = []
        for one in ids:
            private = bool(self.users.get(known.get(one, {}).get("author_id", ""), {}).get("protected"))
            if one not in known or private:
                errors.append(lost(one, private=private))
        gone = {error["value"] for error in errors}
        return self._told(asked, [known[one] for one in ids if one not in gone], errors=errors, page=True)

    def _user(self, asked: Asked, name: str) -> Told:
        check_parameters(asked, set(), self.vocabulary)
        user = next((one for one in self.users.values() if one["username"].lower() == name.lower()), None)
        if user is None:
            return nobody("username", name)
        self.users_read += 1
        return Told.json({"data": self._renamed(picked(user, asked.one("user.fields"), {"id", "name", "username"}))})

    # How it is answered

    def _told(
        self, asked: Asked, posts: list[dict[str, Any]], *, meta: Mapping[str, Any] | None = None,
        errors: list[dict[str, Any]] | None = None, page: bool = False,
    ) -> Told:  # fmt: skip
        """With no posts there is no `data`."""
        fields = asked.one("tweet.fields") or asked.one("post.fields")
        classic = ",".join({new: old for old, new in RENAMED.items()}.get(one, one) for one in fields.split(","))
        expansions = asked.one("expansions").split(",")
        body: dict[str, Any] = {}
        if posts:
            body["data"] = [picked(post, classic, ALWAYS) for post in posts]
        includes: dict[str, Any] = {}
        if "author_id" in expansions:
            authors = dict.fromkeys(post["author_id"] for post in posts)
            includes["users"] = [
                picked(self.users[one], asked.one("user.fields"), {"id", "name", "username"}) for one in authors
            ]
        if "attachments.media_keys" in expansions:
            keys = dict.fromkeys(
                key for post in posts for key in post.get("attachments", {}).get("media_keys", []) if key in MEDIA
            )
            includes["media"] = [picked(MEDIA[one], asked.one("media.fields"), {"media_key", "type"}) for one in keys]
        if "geo.place_id" in expansions:
            keys = dict.fromkeys(post["geo"]["place_id"] for post in posts if post.get("geo"))
            includes["places"] = [picked(PLACES[one], asked.one("place.fields"), {"id", "full_name"}) for one in keys]
        includes = {name: entries for name, entries in includes.items() if entries}
        if includes:
            body["includes"] = includes
        if self.partial_errors:
            errors = [*(errors or []), {
                "resource_type": "user", "resource_id": "77", "value": "77", "parameter": "author_id",
                "title": "Forbidden", "detail": "User has been suspended: [77].",
                "type": f"{PROBLEMS}/resource-not-found",
            }]  # fmt: skip
        if errors:
            body["errors"] = errors
        if meta is not None:
            body["meta"] = dict(meta)
        self.posts_read += len(posts)
        self.users_read += len(includes.get("users", ()))
        return Told.json(self._renamed(body), page=page)

    def _renamed(self, value: Any) -> Any:
        if self.vocabulary == "classic":
            return value
        if isinstance(value, dict):
            return {RENAMED.get(name, name): self._renamed(one) for name, one in value.items()}
        return [self._renamed(one) for one in value] if isinstance(value, list) else value

    def _rate(self, remaining: int) -> dict[str, str]:
        reset = round((self.clock() + timedelta(minutes=15)).timestamp())
        return {
            "x_rate_limit_limit": "450",
            "x_rate_limit_remaining": str(remaining),
            "x_rate_limit_reset": str(reset),
        }

    @property
    def charged(self) -> float:
        """US dollars, were nothing charged only once."""
        return self.posts_read * 0.005 + self.users_read * 0.010


def _full(clock: Callable[[], datetime], vocabulary: str = "classic") -> X:
    """With what must not become an item among the rest."""
    platform = X(clock, vocabulary=vocabulary)
    base = clock() - timedelta(days=3)
    source = platform.posts[5]["id"]
    hidden: list[dict[str, Any]] = [
        {"referenced_tweets": [{"type": "retweeted", "id": source}], "text": "RT @example_nurse: flu"},
        {"withheld": {"copyright": False, "country_codes": ["XX"], "scope": "tweet"}},
        {"author_id": "2000000003"},
    ]
    for number, more in enumerate(hidden, 501):
        post = platform.add(base + timedelta(minutes=number), number, **more)
        platform.hidden.add(post["id"])
    first = id_at(base, 600)
    newer = base + timedelta(minutes=20)
    platform.add(newer, 600, edit_history_tweet_ids=[first, id_at(newer, 600)])
    return platform


CASES = [
    Case(
        name="x search", source=SEARCH, platform=_full, key=KEY, wrong_key="hush-wrong-token", deletes=True
    ),
    Case(
        name="x search, renamed vocabulary",
        source=SEARCH,
        platform=lambda clock: _full(clock, "renamed"),
        key=KEY,
        wrong_key="hush-wrong-token",
        deletes=True,
    ),
    Case(
        name="x timeline", source=TIMELINE, platform=_full, key=KEY, wrong_key="hush-wrong-token", deletes=True
    ),
]  # fmt: skip
