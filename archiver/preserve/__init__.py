"""THE HEART: keeps bytes unaltered and proves it. Order of side effects is its whole point.

`store` keeps objects, `segments` packs and encrypts records, `ledger` is the Merkle log; `writer`
makes posts durable and sequenced, `recovery` adopts what a crash left, `reader` gives content back.
"""
