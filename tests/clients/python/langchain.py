"""langchain.py - a small round trip of langchain-qdrant, its vectors from /v1/embeddings.

    DUET_URL=http://127.0.0.1:6333 python tests/clients/python/langchain.py
"""

import json
import os
import urllib.request

from langchain_core.embeddings import Embeddings
from langchain_qdrant import QdrantVectorStore

URL, NAME = os.environ["DUET_URL"], "client-langchain"
TEXTS = ["a dog runs on the beach", "a red car on the road", "an apple on a table"]


class Duet(Embeddings):
    """The server's own model."""

    def embed_documents(self, texts):
        request = urllib.request.Request(URL + "/v1/embeddings", json.dumps({"input": texts}).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as reply:
            return [item["embedding"] for item in json.load(reply)["data"]]

    def embed_query(self, text):
        return self.embed_documents([text])[0]


def main():
    store = QdrantVectorStore.from_texts(TEXTS, Duet(), metadatas=[{"n": i} for i in range(3)], url=URL,
                                         collection_name=NAME, check_compatibility=False)
    found = store.similarity_search("fruit", k=1)
    assert found[0].page_content == TEXTS[2] and found[0].metadata["n"] == 2, found
    found = store.similarity_search_with_score("a puppy at the sea", k=1)
    assert found[0][0].page_content == TEXTS[0] and found[0][1] > 0.3, found
    added = store.add_texts(["a boat on the sea"])
    assert store.similarity_search("a ship", k=1)[0].page_content == "a boat on the sea"
    assert store.delete(added)
    assert store.client.count(NAME).count == 3
    store.client.delete_collection(NAME)
    print("  ok      clients/python/langchain")


main()
