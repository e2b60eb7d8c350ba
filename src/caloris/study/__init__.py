"""Studies: published results, reproduced one by one."""

from caloris.study.comparison import Comparison, Reproduction, as_json, choose, write_table

__all__ = ["Comparison", "Reproduction", "as_json", "choose", "write_table"]
