"""What you asked for: state and its invariants. Services write, selectors read."""

from jobs.models.discard import Discard
from jobs.models.job import Job
from jobs.models.matte import Matte
from jobs.models.picture import Picture
from jobs.models.receipt import Receipt
from jobs.models.rendition import Rendition
from jobs.models.search_text import SearchText
from jobs.models.tag import Tag
from jobs.models.upload import Upload

__all__ = [
    "Discard",
    "Job",
    "Matte",
    "Picture",
    "Receipt",
    "Rendition",
    "SearchText",
    "Tag",
    "Upload",
]
