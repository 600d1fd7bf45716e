"""The documents of the register, below `/ch-doc/`, and the storage that they lie in.

Who asks for a document is sent to the storage, which knows nobody and refuses a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from oppspot_runner.testing.world.content import Accounts, RegisteredCompany
from oppspot_runner.testing.world.exchange import Reply, Request, digest, json_reply
from oppspot_runner.testing.world.filings import Filing, history
from oppspot_runner.testing.world.inline_xbrl import accounts_document
from oppspot_runner.testing.world.register import missing
from oppspot_runner.testing.world.register_access import refusal
from oppspot_runner.testing.world.scene import Scene

PDF, XHTML = "application/pdf", "application/xhtml+xml"
STORAGE = "storage"
PAPER = b"%PDF-1.4\n%%EOF\n"


class Documents:
    """Says what there is of a document, and where it is."""

    prefix = "/ch-doc/"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._filed = Filed(scene)

    def settings(self) -> Mapping[str, str]:
        """The variables that lead to it."""
        return {"OPPSPOT_COMPANIES_HOUSE_DOCUMENTS_URL": f"{self._scene.url}/ch-doc"}

    def answer(self, request: Request) -> Reply:
        """The right answer."""
        refused, headers = refusal(self._scene, request)
        reply = refused or self._answer(request)
        return Reply(reply.status, reply.body, {**reply.headers, **headers})

    def _answer(self, request: Request) -> Reply:
        match request.parts:
            case ["document", name] if self._filed.has(name):
                return self._metadata(name)
            case ["document", name, "content"] if self._filed.has(name):
                return self._content(name, request.headers.get("accept", PDF))
            case _:
                return missing("document-not-found")

    def _metadata(self, name: str) -> Reply:
        company, filing = self._filed.documents[name]
        here = f"{self._scene.url}/ch-doc/document/{name}"
        kinds = {kind: self._filed.content(name, kind) for kind in (PDF, XHTML)}
        return json_reply(
            {
                "company_number": company.number,
                "barcode": name[:8].upper(),
                "category": filing.category,
                "significant_date": filing.on.isoformat(),
                "created_at": f"{filing.on.isoformat()}T09:00:00Z",
                "etag": digest(name),
                "links": {"self": here, "document": f"{here}/content"},
                "pages": 9,
                "resources": {
                    kind: {"content_length": len(content)}
                    for kind, content in kinds.items()
                    if content
                },
            }
        )

    def _content(self, name: str, accept: str) -> Reply:
        kind = PDF if "*/*" in accept else accept
        if not self._filed.content(name, kind):
            return json_reply({"errors": [{"type": "ch:service", "error": "not-acceptable"}]}, 406)
        form = "pdf" if kind == PDF else "xhtml"
        signed = f"X-Amz-Expires=60&X-Amz-Signature={digest(name + kind)}"
        place = f"{self._scene.host(STORAGE)}/docs/{name}.{form}?{signed}"
        return Reply(302, b"", {"Location": place})


class Storage:
    """Gives a document to whoever has its signed address, and to nobody who shows a key."""

    prefix = f"/{STORAGE}/"

    def __init__(self, scene: Scene) -> None:
        self._filed = Filed(scene)

    def settings(self) -> Mapping[str, str]:
        """Nothing leads here but the register."""
        return {}

    def answer(self, request: Request) -> Reply:
        """The document."""
        if "authorization" in request.headers:
            return _refused(400, "InvalidArgument")
        match request.parts:
            case ["docs", file]:
                name, _, form = file.partition(".")
                kind = XHTML if form == "xhtml" else PDF
                content = self._filed.content(name, kind)
                if content and request.parameters.get("X-Amz-Signature") == digest(name + kind):
                    return Reply(200, content, {"Content-Type": kind})
        return _refused(403, "AccessDenied")


def _refused(status: int, code: str) -> Reply:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>'
    return Reply(status, text.encode(), {"Content-Type": "application/xml"})


class Filed:
    """All documents that companies of the content filed, by their ids."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    @cached_property
    def documents(self) -> dict[str, tuple[RegisteredCompany, Filing]]:
        """Who filed a document, and what it is."""
        return {
            filing.document(company): (company, filing)
            for company in self._scene.content.companies
            for filing in history(company)
        }

    def has(self, name: str) -> bool:
        """Whether that document has been filed by now."""
        return name in self.documents and self.documents[name][1].on <= self._scene.today

    def content(self, name: str, kind: str) -> bytes:
        """The document in that form; nothing where there is none."""
        if not self.has(name):
            return b""
        company, filing = self.documents[name]
        if kind == PDF:
            return PAPER
        accounts = filing.accounts
        if kind != XHTML or accounts is None or accounts.on_paper:
            return b""
        return accounts_document(company, accounts, _before(company, accounts))


def _before(company: RegisteredCompany, accounts: Accounts) -> Accounts | None:
    older = [one for one in company.accounts if one.made_up_to < accounts.made_up_to]
    return max(older, key=lambda one: one.made_up_to, default=None)
