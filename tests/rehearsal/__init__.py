"""The documented platform, rehearsed: every RUN line of `ubuntu16.04` on the real Ubuntu 16.04, and on stand-ins.

What a machine without NVIDIA's, conda's and Open MPI's servers cannot have is made here, as unfriendly as the originals.
No image of it is the real thing: each says so in a label and in its name, and none is ever pushed.
"""
