"""Offer a function to the model, run what it calls, give the outputs back, until it answers."""

from __future__ import annotations

import asyncio
import json
import os

from sidestream import PRESETS, ApiKeyAuth, Client, Fetch, Prompt
from sidestream.native import httpx_fetch
from sidestream.types.items import FunctionCallItem, FunctionCallOutputItem
from sidestream.types.tools import FunctionTool

WEATHER = FunctionTool(
    name="get_weather",
    description="The weather in a city.",
    parameters={
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    strict=True,
)


def get_weather(city: str) -> str:
    return {"Oslo": "3 degrees, snow"}.get(city, "21 degrees, sunny")


def run_call(call: FunctionCallItem) -> FunctionCallOutputItem:
    try:
        output = get_weather(**json.loads(call.arguments))
    except (ValueError, TypeError) as error:  # the model wrote the arguments: let it try again
        output = f"error: {error}"
    return FunctionCallOutputItem(call_id=call.call_id, output=output)


async def main(fetch: Fetch) -> None:
    client = Client(
        provider=PRESETS["openai"].provider(),
        auth=ApiKeyAuth(os.environ["OPENAI_API_KEY"]),
        fetch=fetch,
        model="gpt-5.2",
    )
    prompt = Prompt.from_text("Is it warmer in Oslo or in Lisbon?")
    prompt = prompt.model_copy(update={"tools": [WEATHER]})
    while True:
        result = await client.complete(prompt)
        if result.error:
            raise result.error
        calls = [item for item in result.items if isinstance(item, FunctionCallItem)]
        if not calls:
            break
        outputs = [run_call(call) for call in calls]
        for call, output in zip(calls, outputs, strict=True):
            print(f"{call.name}({call.arguments}) -> {output.output}")
        prompt = prompt.model_copy(update={"input": [*prompt.input, *result.items, *outputs]})
    print(result.text)


if __name__ == "__main__":
    asyncio.run(main(httpx_fetch))
