"""Many images to Parquet files, on the cores of one machine; begun again, it goes on."""
