"""Stored files as browsers get them: under their own type and name, kept by the browser until they change."""

from flask import Response, request

from rental.core.runtime import runtime
from rental.core.stored_files import StoredFile


def answer_with_file(file: StoredFile) -> Response:
    """The file to be shown in the page. A browser that has it already is told so, and gets no bytes.

    Its type is what its first bytes say, and nosniff on every answer keeps browsers from another guess.
    """
    answer = Response(mimetype=file.media_type)
    answer.headers.set("Content-Disposition", "inline", filename=file.download_name)
    answer.headers["Cache-Control"] = "private, no-cache"  # kept, and asked about each time
    answer.set_etag(file.sha256)
    if request.if_none_match.contains(file.sha256):
        answer.status_code = 304
        return answer
    answer.set_data(runtime().files.get(file.sha256))
    return answer
