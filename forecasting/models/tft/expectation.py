"""x"""
import numpy as np, os
import pandas as pd
from sklearn.linear_model import PoissonRegressor
from forecasting.schema import Target
def expectation(panel, target):
    if target is not Target.ED_ARRIVALS or os.environ.get("NOGLM"): return None
    groups=[rows for _,rows in panel.groupby(["site_id","unit_id"],sort=False)]
    X=[design(r) for r in groups]; V=[r["value"].to_numpy() for r in groups]
    def expect(series,row0):
        first=sum(len(v) for v in V[:series]); row=row0-first
        x,v=X[series],V[series]
        lo=max(0,row-int(os.environ.get("GLMHIST","26280")))
        ok=~np.isnan(v[lo:row])
        age=np.arange(row-lo)[::-1]
        w=0.5**(age/float(os.environ.get("GLMHALF","8760")))
        m=PoissonRegressor(alpha=float(os.environ.get("GLMALPHA","1e-4")),solver="newton-cholesky",max_iter=30)
        m.fit(x[lo:row][ok],v[lo:row][ok],sample_weight=w[ok])
        return m.predict(x)
    return expect
def design(r):
    wh=(r.weekday*24+r.local_hour).to_numpy()
    D=np.zeros((len(r),168)); D[np.arange(len(r)),wh]=1
    H=np.zeros((len(r),24)); H[np.arange(len(r)),r.local_hour]=1
    ys,yc=r.year_sin.to_numpy(),r.year_cos.to_numpy()
    ann=np.stack([ys,yc,2*ys*yc,yc*yc-ys*ys],1)
    hol=[]
    for c in ("holiday","day_before_holiday","day_after_holiday"):
        for a,b in((0,6),(6,12),(12,18),(18,24)):
            hol.append(r[c].to_numpy()*((r.local_hour>=a)&(r.local_hour<b)).to_numpy())
    return np.concatenate([D,H,ann,np.stack(hol,1),r.trend.to_numpy()[:,None]-3],1)
