"""Every published figure of the zoo's networks, in one table. Data, its record and its document.

``test_published.py`` checks the table; ``python -m tests.graph.zoo.published.document`` writes it
into ``docs/zoo.md`` beside what opscope counts.
"""

from tests.graph.zoo.published import cells, classic, keyword, mobile
from tests.graph.zoo.published.record import Published

TABLE: tuple[Published, ...] = (*mobile.TABLE, *classic.TABLE, *cells.TABLE, *keyword.TABLE)
