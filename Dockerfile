# The API:  docker build --target api --tag digits-api .
# The app:  docker build --target app --tag digits-app .
# A node of a Ray cluster, with the API to serve:  docker build --target ray --tag digits-ray .
#
# Each holds its locked install, the project and a model; nothing of training. They run as user 10001, write nothing but
# to /tmp, and so run with a read-only file system. To serve a model of your own, mount the folder that holds
# mnist_model.keras at /srv/digits/models. docs/operations.md says more.

FROM python:3.13-slim-trixie AS python
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore


# The project as a wheel, so that the tools that build it stay out of the images.
FROM python AS wheel
WORKDIR /build
COPY requirements/build.txt requirements/
RUN pip install --require-hashes --only-binary :all: -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY digits digits
RUN pip wheel --no-deps --no-build-isolation --wheel-dir wheels .


# An empty environment, into which pip installs from here on.
FROM python AS environment
WORKDIR /install
RUN python -m venv --without-pip /opt/digits
ENV PIP_PYTHON=/opt/digits/bin/python


# In each install the dependencies come first: their layer stays as it is until they change.
FROM environment AS install-api
COPY requirements/serve.txt requirements/
RUN pip install --require-hashes --only-binary :all: -r requirements/serve.txt
COPY --from=wheel /build/wheels wheels
RUN pip install --no-deps --no-index wheels/*.whl


FROM environment AS install-app
COPY requirements/app.txt requirements/
RUN pip install --require-hashes --only-binary :all: -r requirements/app.txt
COPY --from=wheel /build/wheels wheels
RUN pip install --no-deps --no-index wheels/*.whl


FROM environment AS install-ray
COPY requirements/ray.txt requirements/
RUN pip install --require-hashes --only-binary :all: -r requirements/ray.txt
COPY --from=wheel /build/wheels wheels
RUN pip install --no-deps --no-index wheels/*.whl


FROM python:3.13-slim-trixie AS run
RUN groupadd --gid 10001 digits \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin digits
ENV PATH=/opt/digits/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /srv/digits
USER 10001:10001
STOPSIGNAL SIGTERM


FROM run AS app
COPY --from=install-app /opt/digits /opt/digits
# Nothing in an image changes, so nothing has to be watched. Feedback has no place where it would stay: to keep it, mount
# a volume and name a file in it.
ENV STREAMLIT_SERVER_FILE_WATCHER_TYPE=none \
    DIGITS_FEEDBACK=off
EXPOSE 8501
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8501, timeout=4); c.request('GET', '/_stcore/health'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["digits", "app", "--host", "0.0.0.0"]


# deploy/kuberay.yaml starts it; docs/cluster.md says more.
FROM run AS ray
COPY --from=install-ray /opt/digits /opt/digits
COPY serve.yaml ./
ENV RAY_USAGE_STATS_ENABLED=0 \
    RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH=digits.cluster:middleware \
    RAY_SERVE_ENABLE_HA_PROXY=1 \
    RAY_SERVE_HAPROXY_RETRY_ON="conn-failure empty-response"
EXPOSE 8000
CMD ["ray", "start", "--head", "--block"]


# The last stage is the one that is built when none is named.
FROM run AS api
COPY --from=install-api /opt/digits /opt/digits
# Requests go on being answered for so long after SIGTERM, while load balancers learn that this one is going.
ENV DIGITS_DRAIN_SECONDS=5 \
    DIGITS_LOG_FORMAT=json
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=4); c.request('GET', '/health/ready'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["digits", "serve", "--host", "0.0.0.0"]
