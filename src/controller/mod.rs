//! Who decides: the elected controller.
