from .check import check_derivatives as check_derivatives
from .projection import ProjectionCheck as ProjectionCheck
from .projection import check_projection as check_projection
from .suite import BlockCheck as BlockCheck
from .suite import check_blocks as check_blocks
from .verdict import ArrayCheck as ArrayCheck
from .verdict import DerivativeCheck as DerivativeCheck
from .verdict import Mistake as Mistake
