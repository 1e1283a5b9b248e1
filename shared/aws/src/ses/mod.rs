//! Simple Email Service.
