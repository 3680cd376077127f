"""Which wheels share a layer: no layer far larger than the others, and not too many."""

from hypothesis import given
from hypothesis import strategies as st

from builder.wheels.layering import LEAST_BYTES, MOST, OWN_BYTES, Group, Wheel, layering, part_bytes, shared


def wheel(name: str, size: int) -> Wheel:
    return Wheel(name=name, version="1.0", key=name, size=size)


def test_a_large_wheel_is_alone_and_cut_and_small_ones_are_together() -> None:
    torch = Group(title="torch", wheels=(wheel("torch", 180 << 20),))
    rest = Group(title="rest", wheels=tuple(wheel(f"small{number}", 1 << 20) for number in range(20)))
    found = layering([torch, rest])
    assert [one.title for one in found] == ["torch 1.0", "small0 1.0, small1 1.0 and 18 more"]
    assert found[0].parts == 6
    assert found[1].parts == 1


def test_rows_of_about_the_same_size_cut_a_wheel_alike() -> None:
    assert part_bytes(200 << 20) == part_bytes(210 << 20) == 32 << 20
    assert part_bytes(0) == LEAST_BYTES


def test_a_title_names_what_it_can() -> None:
    assert shared([wheel("a", 1), wheel("b", 1)]) == "a 1.0, b 1.0"


@given(st.lists(st.lists(st.integers(1, 3 << 30), max_size=40), max_size=6))
def test_no_row_has_too_many_layers_and_every_wheel_is_in_one(sizes: list[list[int]]) -> None:
    groups = [
        Group(title=str(group), wheels=tuple(wheel(f"w{group}-{number}", size) for number, size in enumerate(found)))
        for group, found in enumerate(sizes)
    ]
    found = layering(groups)
    wheels = [one for layer in found for one in layer.wheels]
    assert sorted(one.name for one in wheels) == sorted(one.name for group in groups for one in group.wheels)
    assert sum(one.parts for one in found) <= MOST
    assert all(len(one.wheels) == 1 for one in found if one.part_bytes), "only a wheel alone is cut"
    assert layering(groups) == found


def test_a_wheel_of_a_megabyte_has_its_own_layer() -> None:
    found = layering([Group(title="x", wheels=(wheel("numpy", OWN_BYTES), wheel("six", 10_000)))])
    assert [one.title for one in found] == ["numpy 1.0", "six 1.0"]
