"""Layers compressed with gzip, for engines that know no other: other bytes under another tag, and the same files."""

import docker

from builder.build import engine_manifest
from builder.registry.descriptors import listed
from builder.registry.manifests import parsed
from tests.support.image_trees import image_tree, tree_differences
from tests.support.project import NewProject


def test_gzip_is_another_image_with_the_same_files(new_project: NewProject, engine: docker.DockerClient) -> None:
    project = new_project()
    plain, packed = project.build("--format=json"), project.build("--compression=gzip", "--format=json")
    assert (plain.code, packed.code) == (0, 0), plain.err + packed.err
    first, second = (str(one.images[0]["digest"]) for one in (plain, packed))
    assert plain.images[0]["tags"][0] != packed.images[0]["tags"][0], "the immutable tag"
    assert kinds(engine, first) == {"application/vnd.oci.image.layer.v1.tar+zstd"}
    assert kinds(engine, second) == {"application/vnd.oci.image.layer.v1.tar+gzip"}
    assert not list(tree_differences(image_tree(engine, first), image_tree(engine, second)))
    again = project.build("--compression=gzip", "--format=json")
    assert again.images[0]["outcome"] == "unchanged"


def kinds(engine: docker.DockerClient, digest: str) -> set[str]:
    """The media types of an image's layers."""
    manifest = parsed(engine_manifest.image_of(engine, digest).manifest, digest)
    return {str(one["mediaType"]) for one in manifest["layers"]} if listed(manifest, "layers", digest) else set()
