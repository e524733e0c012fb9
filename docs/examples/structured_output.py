"""An answer that follows a JSON schema, read into a pydantic model."""

from __future__ import annotations

import asyncio
import os

from pydantic import BaseModel, ConfigDict

from sidestream import PRESETS, ApiKeyAuth, Client, Fetch, Prompt
from sidestream.native import httpx_fetch


class Recipe(BaseModel):
    model_config = ConfigDict(extra="forbid")  # strict schemas allow no further properties

    title: str
    minutes: int
    ingredients: list[str]


async def main(fetch: Fetch) -> None:
    client = Client(
        provider=PRESETS["openai"].provider(),
        auth=ApiKeyAuth(os.environ["OPENAI_API_KEY"]),
        fetch=fetch,
        model="gpt-5.2",
    )
    prompt = Prompt.from_text("A pancake recipe.")
    schema = {"output_schema": Recipe.model_json_schema(), "output_schema_name": "recipe"}
    result = await client.complete(prompt.model_copy(update=schema))
    if result.error:
        raise result.error  # a cut-off answer (kind "incomplete") is not valid JSON
    recipe = Recipe.model_validate_json(result.text)
    print(f"{recipe.title}, {recipe.minutes} minutes: {', '.join(recipe.ingredients)}")


if __name__ == "__main__":
    asyncio.run(main(httpx_fetch))
