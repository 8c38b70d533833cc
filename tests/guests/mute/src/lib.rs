//! A component that exports no handler.
