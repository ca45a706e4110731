"""The rival's side of the bench: the same turn through the OpenAI Agents SDK.

Reads one JSON object a line from stdin and answers one line for each on stdout; the process stays up, as a server would.
The first line sets up: the model's address, the system prompt, the tools, the customer's figures, the database file.
Each further line is a turn: {"conversation": ..., "text": ...}. An answer is {"text": ...}.

What is recorded: the framework's own SQLiteSession in a file, with SQLite's own defaults for durability (a commit is
synced), the conversation read from it and written to it in each turn. The balance is a row of the same file. What is not:
there is no HTTP in front, no sign-in, no idempotency key, no log that can be verified, no check of what the model says.
"""

import asyncio
import json
import logging
import sqlite3
import sys

from agents import Agent, FunctionTool, ModelSettings, RunConfig, Runner, SQLiteSession, set_tracing_disabled
from agents.models.openai_chatcompletions import OpenAIChatCompletionsModel
from openai import AsyncOpenAI

FIGURES = (
    "total_owed",
    "principal_balance",
    "billed_interest",
    "accrued_interest",
    "fees",
    "available_credit",
    "credit_limit",
    "apr",
)


def fill(path: str, figures: dict) -> sqlite3.Connection:
    db = sqlite3.connect(path)
    columns = ", ".join(f"{name} INTEGER NOT NULL" for name in FIGURES)
    db.execute(f"CREATE TABLE balances (customer TEXT PRIMARY KEY, {columns}, as_of TEXT NOT NULL)")
    marks = ", ".join("?" * (len(FIGURES) + 2))
    values = [figures[name] for name in FIGURES]
    db.execute(f"INSERT INTO balances VALUES ({marks})", ["the customer", *values, figures["as_of"]])
    db.commit()
    return db


def offered(tools: list, db: sqlite3.Connection) -> list:
    """Every tool our side offers, with the same words; the model calls `get_balance` alone."""

    async def read(_context, _arguments: str) -> str:
        names = ", ".join((*FIGURES, "as_of"))
        row = db.execute(f"SELECT {names} FROM balances WHERE customer = ?", ["the customer"]).fetchone()
        return json.dumps(dict(zip((*FIGURES, "as_of"), row)))

    async def never(_context, _arguments: str) -> str:
        raise AssertionError("the script calls one tool alone")

    return [
        FunctionTool(
            name=tool["function"]["name"],
            description=tool["function"]["description"],
            params_json_schema=tool["function"]["parameters"],
            on_invoke_tool=read if tool["function"]["name"] == "get_balance" else never,
            strict_json_schema=False,
        )
        for tool in tools
    ]


async def main() -> None:
    # Traces would be sent away over the network.
    set_tracing_disabled(True)
    logging.disable(logging.WARNING)
    given = json.loads(sys.stdin.readline())
    db = fill(given["database"], given["figures"])
    client = AsyncOpenAI(base_url=given["base_url"], api_key="none", max_retries=0)
    agent = Agent(
        name="consumer",
        instructions=given["instructions"],
        model=OpenAIChatCompletionsModel(model="scripted-1", openai_client=client),
        model_settings=ModelSettings(temperature=0.0, max_tokens=700, include_usage=True),
        tools=offered(given["tools"], db),
    )
    sessions: dict[str, SQLiteSession] = {}
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        turn = json.loads(line)
        if turn.get("open"):
            sessions[turn["open"]] = SQLiteSession(turn["open"], given["database"])
            print(json.dumps({"opened": turn["open"]}), flush=True)
            continue
        session = sessions[turn["conversation"]]
        config = RunConfig(tracing_disabled=True)
        result = Runner.run_streamed(agent, turn["text"], session=session, run_config=config)
        said = []
        async for event in result.stream_events():
            if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                said.append(event.data.delta)
        print(json.dumps({"text": "".join(said)}), flush=True)


asyncio.run(main())
