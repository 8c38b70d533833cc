//! Everything that drives the host over real sockets, in one binary: each file tells what it holds.

mod a_websocket;
mod abuse;
mod browser;
mod c_session;
mod chat;
mod cli;
mod clients;
mod counter;
mod crash;
mod d_http;
mod d_standard;
mod deploy;
mod echo;
mod faults;
mod fleet;
mod layers;
mod life;
mod operate;
mod protocols;
mod remote;
mod swap;
mod tools;
mod websocket;
mod wit;
