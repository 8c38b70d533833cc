//! WIT `types`: the getters of a request's head.

use std::time::UNIX_EPOCH;

use super::GuestState;
use super::wit::types::Host;

type Result<T> = wasmtime::Result<T>;

impl Host for GuestState {
    fn method(&mut self, of: u64) -> Result<String> {
        Ok(self.head(of)?.method().to_string())
    }

    fn scheme(&mut self, of: u64) -> Result<String> {
        Ok(self.head(of)?.scheme().to_owned())
    }

    fn authority(&mut self, of: u64) -> Result<String> {
        Ok(self.head(of)?.authority())
    }

    fn path(&mut self, of: u64) -> Result<String> {
        Ok(self.head(of)?.path().to_owned())
    }

    fn query(&mut self, of: u64) -> Result<Option<String>> {
        Ok(self.head(of)?.query().map(str::to_owned))
    }

    fn params(&mut self, of: u64) -> Result<Vec<(String, String)>> {
        Ok(self.head(of)?.params())
    }

    fn headers(&mut self, of: u64) -> Result<Vec<(String, String)>> {
        Ok(self.head(of)?.headers())
    }

    fn header(&mut self, of: u64, name: String) -> Result<Vec<String>> {
        Ok(self.head(of)?.values(&name))
    }

    fn version(&mut self, of: u64) -> Result<String> {
        Ok(self.head(of)?.version().to_owned())
    }

    fn peer_address(&mut self, of: u64) -> Result<String> {
        Ok(self.head(of)?.peer().to_string())
    }

    fn local_address(&mut self, of: u64) -> Result<String> {
        Ok(self.head(of)?.local().to_string())
    }

    fn started_at(&mut self, of: u64) -> Result<u64> {
        let since = self.head(of)?.started().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }
}
