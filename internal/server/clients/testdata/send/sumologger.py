# PyPI sumo-logger: Python's logging with a handler that posts JSON.
import os, time
from sumo_logger import setup_sumo_logger

log = setup_sumo_logger(os.environ["SOURCE_URL"], "app")
log.info("from python")
log.error("second, %s", "with an argument")
time.sleep(1.5)  # it sends from a thread
