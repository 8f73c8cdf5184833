"""Harm to an index in a cluster: documents, the index or its name gone."""

import random

from search.engines.opensearch import ClusterGenerations
from search.engines.opensearch.place import place_of

HARMS = ("none", "none", "none", "document", "index", "name", "everything")


def harm_cluster(generations: ClusterGenerations, drawn: random.Random) -> str:
    """Harm the index that answers; return how, "none" if there is none."""
    kind = drawn.choice(HARMS)
    current = generations.current()
    if current is None:
        return "none"
    cluster, index = generations._reached(), place_of(current).index
    match kind:
        case "document":
            cluster.sweep(index, {"term": {"number": drawn.randrange(3)}})
        case "index":
            cluster.drop(index)
        case "name":
            cluster._client.indices.delete_alias(index=index, name=cluster.place.name)
        case "everything":
            for each in cluster.numbered():
                cluster.drop(each)
        case _:
            pass
    return kind
