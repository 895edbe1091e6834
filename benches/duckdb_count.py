"""Counts late, early, missing and absent with DuckDB on one thread: the peer of the bench `evaluate`.

Arguments: the file of swipes that the bench writes, and how many periods are asked of people who are not on leave. Says what
it runs with, then answers each line with the seconds that one count took, by the wall and on
a processor, and what it counted.
"""

import sys
import time

import duckdb

LOAD = """
create table swipes as
select * from read_csv(?, header = true,
                       columns = {'person': 'INTEGER', 'happened_at_ms': 'BIGINT', 'goes_out': 'UTINYINT'})
"""

# The hours of benches/evaluate/bureau.rs, in milliseconds of the day in Shanghai: 08:30 to 12:00 and 13:30 to 17:30, the first five
# minutes of each in grace. One pass: the first time in and the last time out of each half of each day of each person. Of the forms that were
# tried this is DuckDB's fastest or level with it: one integer to group by instead of two columns.
COUNT = """
with read as (
    select person * 40000 + ((happened_at_ms + 28800000) // 86400000)::integer as person_day,
           ((happened_at_ms + 28800000) % 86400000)::integer as clock,
           goes_out
    from swipes
),
days as (
    select min(clock) filter (goes_out = 0 and clock < 43200000) as morning_in,
           max(clock) filter (goes_out = 1 and clock < 48600000) as morning_out,
           min(clock) filter (goes_out = 0 and clock >= 43200000) as afternoon_in,
           max(clock) filter (goes_out = 1 and clock >= 48600000) as afternoon_out
    from read
    group by person_day
)
select count_if(morning_in > 30900000) + count_if(afternoon_in > 48900000) as late,
       count_if(morning_out < 43200000) + count_if(afternoon_out < 63000000) as early,
       count_if((morning_in is null) <> (morning_out is null))
           + count_if((afternoon_in is null) <> (afternoon_out is null)) as missing,
       count_if(morning_in is not null or morning_out is not null)
           + count_if(afternoon_in is not null or afternoon_out is not null) as seen
from days
"""


def main() -> None:
    path, asked = sys.argv[1], int(sys.argv[2])
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute(LOAD, [path])
    rows = connection.execute("select count(*) from swipes").fetchone()[0]
    print(f"DuckDB {duckdb.__version__}, one thread, {rows} swipes in memory", flush=True)
    for _ in sys.stdin:
        started, on_processor = time.perf_counter(), time.process_time()
        late, early, missing, seen = connection.execute(COUNT).fetchone()
        wall, processor = time.perf_counter() - started, time.process_time() - on_processor
        print(wall, processor, late, early, missing, asked - seen, flush=True)


main()
