# What the rehearsal compiles on its own base: a CPython 3.6 in the place of conda's, and Open MPI's source archive.
# Built once, by `python -m tests.rehearsal`; the results are kept in the rehearsal's cache.
FROM base AS tools
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# patchelf is in universe.
RUN sed -i -E 's/ main( universe)?$/ main universe/' /etc/apt/sources.list \
    && apt-get update \
    && apt-get install -y --no-install-recommends autoconf automake build-essential bzip2 file flex libbz2-dev libffi-dev \
        liblzma-dev libncurses5-dev libreadline-dev libsqlite3-dev libssl-dev libtool patchelf perl xz-utils zlib1g-dev

# The prefix is long, as conda's is: what links the package writes its own there.
FROM tools AS python-build
ENV PREFIX=/opt/placeholder_placeholder_placeholder_placeholder_placeholder_placeholder_placeholder_placeholder_placeholder
COPY python.tar.xz /src/
WORKDIR /src
RUN tar -xJf python.tar.xz --strip-components=1 \
    && ./configure --prefix="$PREFIX" --with-ensurepip=no > /dev/null \
    && make -s -j"$(nproc)" 2>&1 | tail -n 20 \
    && make -s install DESTDIR=/layer > /dev/null
RUN cd "/layer$PREFIX" \
    && rm -rf lib/python3.6/test lib/python3.6/config-*/*.a share/man \
    && find . -name __pycache__ -prune -exec rm -rf {} + \
    && ln -s python3.6 bin/python \
    && ldd lib/python3.6/lib-dynload/*.so bin/python3.6 | awk '$3 ~ /^\// { print $3 }' | sort -u \
        | { grep -E '/lib(bz2|crypto|ffi|lzma|ncursesw?|panelw?|readline|sqlite3|ssl|tinfo|z)\.so' || true; } \
        | xargs -I{} cp -L {} lib/ \
    && for file in lib/python3.6/lib-dynload/*.so; do patchelf --set-rpath '$ORIGIN/../..' "$file"; done \
    && for file in lib/*.so.*; do patchelf --set-rpath '$ORIGIN' "$file"; done \
    && echo "$PREFIX" > /layer/prefix

FROM scratch AS python
COPY --from=python-build /layer/ /

# The archive holds a configure and what flex makes, as the published one does; a checkout of the repository holds neither.
FROM tools AS openmpi-build
COPY openmpi.tar /src/
WORKDIR /src
RUN tar -xf openmpi.tar --strip-components=1 \
    && { [ -x configure ] || ./autogen.pl > /dev/null 2>&1; } \
    && find . -name '*.l' | while read -r file; do [ -e "${file%.l}.c" ] || (cd "$(dirname "$file")" \
        && flex $(cat Makefile.am Makefile.include ../Makefile.am 2>/dev/null | sed -n 's/^AM_LFLAGS *= *//p' | head -n 1) -o "$(basename "${file%.l}").c" "$(basename "$file")"); done \
    && mkdir /out \
    && tar -cjf /out/openmpi.tar.bz2 --sort=name --transform 's,^\.,openmpi,' --exclude=./openmpi.tar .

FROM scratch AS openmpi
COPY --from=openmpi-build /out/ /

# Each function of nccl.h, in one object: it says that it cannot.
FROM tools AS nccl-build
COPY nccl.h /src/
WORKDIR /src
RUN grep -oE '\bnccl[A-Z][A-Za-z]*\(' nccl.h | tr -d '(' | grep -v -E '_t$' | sort -u \
        | sed 's/.*/int &(void) { return 3; }/' > stub.c \
    && gcc -O2 -fPIC -c stub.c -o stub.o \
    && mkdir /out \
    && ar rcsD /out/libnccl_static.a stub.o \
    && gcc -shared -Wl,-soname,libnccl.so.2 -o /out/libnccl.so.2 stub.o \
    && cp nccl.h /out/

FROM scratch AS nccl
COPY --from=nccl-build /out/ /
