"""Many images to Parquet files, on the cores of one machine or of a Ray cluster; begun again, it goes on."""
