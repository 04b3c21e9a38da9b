"""A middleware for both worlds: synchronous under WSGI, asynchronous under ASGI."""

import asyncio

from django.utils.decorators import sync_and_async_middleware


@sync_and_async_middleware
def stamp(get_response):
    if asyncio.iscoroutinefunction(get_response):

        async def middleware(request):
            response = await get_response(request)
            response["X-Site"] = "notes"
            return response

    else:

        def middleware(request):
            response = get_response(request)
            response["X-Site"] = "notes"
            return response

    return middleware
