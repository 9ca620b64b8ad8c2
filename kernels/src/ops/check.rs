//! The shape rules' common vocabulary.

use crate::error::GraphError;
use crate::tensor::{DType, Shape, TensorType};

/// Checks the operands of one operation.
pub struct Check<'a> {
    op: &'static str,
    inputs: &'a [TensorType],
}

impl<'a> Check<'a> {
    /// Refuses a wrong number of operands.
    pub fn new(
        op: &'static str,
        inputs: &'a [TensorType],
        count: usize,
    ) -> Result<Self, GraphError> {
        if inputs.len() != count {
            let message = format!("takes {count} operands, got {}", inputs.len());
            return Err(GraphError::Attribute { op, message });
        }
        Ok(Self { op, inputs })
    }

    fn typed(&self, i: usize, operand: &'static str, want: DType) -> Result<Shape, GraphError> {
        let TensorType { dtype, shape } = self.inputs[i];
        if dtype != want {
            let (found, expected) = (dtype.name(), want.name());
            return Err(GraphError::DType {
                op: self.op,
                operand,
                found,
                expected,
            });
        }
        Ok(shape)
    }

    /// The rows and columns of operand `i`, a matrix of real numbers.
    pub fn matrix(&self, i: usize, operand: &'static str) -> Result<(usize, usize), GraphError> {
        let shape = self.typed(i, operand, DType::Real)?;
        match shape.dims() {
            &[rows, columns] if rows > 0 && columns > 0 => Ok((rows, columns)),
            _ => Err(self.shape(i, operand, "[rows, columns], neither zero".to_owned())),
        }
    }

    /// Operand `i` must be a vector of `len` real numbers.
    pub fn vector(&self, i: usize, operand: &'static str, len: usize) -> Result<(), GraphError> {
        self.exactly(i, operand, DType::Real, Shape::new(&[len]))
    }

    /// Operand `i` must be a real matrix of `columns` columns; returns its rows.
    pub fn rows_of(
        &self,
        i: usize,
        operand: &'static str,
        columns: usize,
    ) -> Result<usize, GraphError> {
        let (rows, found) = self.matrix(i, operand)?;
        if found != columns {
            return Err(self.shape(i, operand, format!("[rows, {columns}]")));
        }
        Ok(rows)
    }

    /// The length of operand `i`, a vector of u32.
    pub fn indices(&self, i: usize, operand: &'static str) -> Result<usize, GraphError> {
        let shape = self.typed(i, operand, DType::U32)?;
        match shape.dims() {
            &[len] if len > 0 => Ok(len),
            _ => Err(self.shape(i, operand, "[n], not zero".to_owned())),
        }
    }

    /// Operand `i` must have exactly this type and shape.
    pub fn exactly(
        &self,
        i: usize,
        operand: &'static str,
        dtype: DType,
        shape: Shape,
    ) -> Result<(), GraphError> {
        if self.typed(i, operand, dtype)? != shape {
            return Err(self.shape(i, operand, shape.to_string()));
        }
        Ok(())
    }

    /// A shape error about operand `i`.
    pub fn shape(&self, i: usize, operand: &'static str, expected: String) -> GraphError {
        GraphError::Shape {
            op: self.op,
            operand,
            found: self.inputs[i].shape,
            expected,
        }
    }

    /// An error about an attribute.
    pub fn attribute(&self, message: String) -> GraphError {
        GraphError::Attribute {
            op: self.op,
            message,
        }
    }
}
