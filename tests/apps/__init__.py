"""Applications as people write them, one of each framework: what a server of Python applications has to run unchanged. They
run on Debian 12's and Debian 13's versions of the frameworks alike, under any ASGI or WSGI server, from the repository's root:

    tandem run tests.apps.fastapi_shop:app
    uvicorn tests.apps.fastapi_shop:app

Everything an application keeps lies in the folder that APPS_STATE names (the current one without it).
"""
