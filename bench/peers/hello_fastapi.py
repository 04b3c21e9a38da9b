"""The hello application as people write it with FastAPI."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/json")
async def hello():
    return {"message": "Hello, World!"}
