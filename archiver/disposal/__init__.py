"""The file plan: which class and schedule a record has, why it is kept and until when.

`filing` explains one record with the decision of `retention`, its holds and its lock. Nothing here
destroys: there is no disposal yet, so an eligible record stays.
"""
