"""The hello application as people write it with Flask."""

from flask import Flask

app = Flask(__name__)


@app.get("/json")
def hello():
    return {"message": "Hello, World!"}
