# The image of a release: the program, certificates and time zones; no shell, no root.
# docker run --rm -v "$PWD:/logs:ro" -w /logs ghcr.io/gyoji-dev/gyoji hunt evtx/
FROM gcr.io/distroless/static:nonroot
ARG TARGETPLATFORM
COPY $TARGETPLATFORM/gyoji /usr/bin/gyoji
ENTRYPOINT ["/usr/bin/gyoji"]
