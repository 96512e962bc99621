"""Which database answers, which is asked beside it, which is written as well: a flag per repository and method.

`flags` and `switch` say which mode holds, `router` is a Repository over two of them, `dual` writes both, `compare` judges
two answers, `beside` asks the other side without delaying anybody; see docs/shadow.md.
"""
