"""Where the larger places of the United Kingdom lie, by the names the geocoder gives their numbers.

Neither package knows where a British number's place is, so this table says it for the towns most numbers are
of: degrees to one decimal, some 7 km, which is enough to tell the nearest.
"""

from collections.abc import Iterator, Mapping

from gateway.engine.geo import AreaFacts, Point

# name latitude longitude, west negative; a space in a name is an underscore.
_ENGLAND = (
    "Aldershot 51.2 -0.8|Ashford_(Kent) 51.1 0.9|Aylesbury 51.8 -0.8|Banbury 52.1 -1.3|Barnsley 53.6 -1.5|"
    "Barnstaple 51.1 -4.1|Barrow-in-Furness 54.1 -3.2|Basildon 51.6 0.5|Basingstoke 51.3 -1.1|"
    "Bath 51.4 -2.4|Bedford 52.1 -0.5|Berwick-upon-Tweed 55.8 -2.0|Birmingham 52.5 -1.9|"
    "Blackburn 53.7 -2.5|Blackpool 53.8 -3.0|Bolton 53.6 -2.4|Boston 53.0 0.0|Bournemouth 50.7 -1.9|"
    "Bracknell 51.4 -0.7|Bradford 53.8 -1.8|Brighton 50.8 -0.1|Bristol 51.5 -2.6|Burnley 53.8 -2.2|"
    "Burton-on-Trent 52.8 -1.6|Bury_St_Edmunds 52.2 0.7|Cambridge 52.2 0.1|Canterbury 51.3 1.1|"
    "Carlisle 54.9 -2.9|Chelmsford 51.7 0.5|Cheltenham 51.9 -2.1|Chester 53.2 -2.9|"
    "Chesterfield 53.2 -1.4|Chichester 50.8 -0.8|Colchester 51.9 0.9|Coventry 52.4 -1.5|"
    "Crawley 51.1 -0.2|Crewe 53.1 -2.4|Darlington 54.5 -1.6|Derby 52.9 -1.5|Doncaster 53.5 -1.1|"
    "Dorchester 50.7 -2.4|Dover 51.1 1.3|Dudley 52.5 -2.1|Durham 54.8 -1.6|Eastbourne 50.8 0.3|"
    "Exeter 50.7 -3.5|Folkestone 51.1 1.2|Gloucester 51.9 -2.2|Grantham 52.9 -0.6|Grimsby 53.6 -0.1|"
    "Guildford 51.2 -0.6|Halifax 53.7 -1.9|Harrogate 54.0 -1.5|Hartlepool 54.7 -1.2|Hastings 50.9 0.6|"
    "Hemel_Hempstead 51.8 -0.5|Hereford 52.1 -2.7|Hexham 55.0 -2.1|High_Wycombe 51.6 -0.7|"
    "Horsham 51.1 -0.3|Huddersfield 53.6 -1.8|Huntingdon 52.3 -0.2|Ipswich 52.1 1.2|"
    "Isle_of_Wight 50.7 -1.3|Kendal 54.3 -2.7|Kettering 52.4 -0.7|Kings_Lynn 52.8 0.4|"
    "Kingston-upon-Hull 53.7 -0.3|Lancaster 54.0 -2.8|Leeds 53.8 -1.5|Leicester 52.6 -1.1|"
    "Lincoln 53.2 -0.5|Liverpool 53.4 -3.0|London 51.5 -0.1|Loughborough 52.8 -1.2|Lowestoft 52.5 1.7|"
    "Luton 51.9 -0.4|Macclesfield 53.3 -2.1|Maidstone 51.3 0.5|Manchester 53.5 -2.2|Mansfield 53.1 -1.2|"
    "Medway 51.4 0.5|Middlesbrough 54.6 -1.2|Milton_Keynes 52.0 -0.8|Newbury 51.4 -1.3|"
    "Newquay 50.4 -5.1|Northampton 52.2 -0.9|Norwich 52.6 1.3|Nottingham 53.0 -1.2|Oxford 51.8 -1.3|"
    "Penrith 54.7 -2.8|Penzance 50.1 -5.5|Peterborough 52.6 -0.2|Plymouth 50.4 -4.1|Portsmouth 50.8 -1.1|"
    "Preston 53.8 -2.7|Reading 51.5 -1.0|Redhill 51.2 -0.2|Rochdale 53.6 -2.2|Rugby 52.4 -1.3|"
    "Salisbury 51.1 -1.8|Scarborough 54.3 -0.4|Scunthorpe 53.6 -0.7|Sheffield 53.4 -1.5|"
    "Shrewsbury 52.7 -2.8|Slough 51.5 -0.6|Southampton 50.9 -1.4|Southend-on-Sea 51.5 0.7|"
    "Southport 53.6 -3.0|St_Albans 51.8 -0.3|St_Helens 53.5 -2.7|Stafford 52.8 -2.1|Stevenage 51.9 -0.2|"
    "Stoke-on-Trent 53.0 -2.2|Stratford-upon-Avon 52.2 -1.7|Sunderland 54.9 -1.4|Swindon 51.6 -1.8|"
    "Taunton 51.0 -3.1|Telford 52.7 -2.4|Torquay 50.5 -3.5|Truro 50.3 -5.1|Tunbridge_Wells 51.1 0.3|"
    "Tyneside 55.0 -1.6|Wakefield 53.7 -1.5|Walsall 52.6 -2.0|Warrington 53.4 -2.6|Warwick 52.3 -1.6|"
    "Watford 51.7 -0.4|Weston-super-Mare 51.3 -3.0|Wigan 53.5 -2.6|"
    "Winchester 51.1 -1.3|Wolverhampton 52.6 -2.1|Worcester 52.2 -2.2|Workington 54.6 -3.5|"
    "Worthing 50.8 -0.4|Yeovil 50.9 -2.6|York 54.0 -1.1"
)
_SCOTLAND = (
    "Aberdeen 57.1 -2.1|Ayr 55.5 -4.6|Dumfries 55.1 -3.6|Dundee 56.5 -3.0|Dunfermline 56.1 -3.5|"
    "Edinburgh 56.0 -3.2|Elgin 57.6 -3.3|Falkirk 56.0 -3.8|Fort_William 56.8 -5.1|Galashiels 55.6 -2.8|"
    "Glasgow 55.9 -4.3|Greenock 55.9 -4.8|Inverness 57.5 -4.2|Kilmarnock 55.6 -4.5|Kirkcaldy 56.1 -3.2|"
    "Motherwell 55.8 -4.0|Oban 56.4 -5.5|Orkney 59.0 -3.0|Perth 56.4 -3.4|Peterhead 57.5 -1.8|"
    "Shetland 60.3 -1.3|Stirling 56.1 -3.9|Stornoway 58.2 -6.4|Stranraer 54.9 -5.0|Thurso 58.6 -3.5|"
    "Wick 58.4 -3.1"
)
_WALES = (
    "Aberystwyth 52.4 -4.1|Bangor_(Gwynedd) 53.2 -4.1|Brecon 51.9 -3.4|Bridgend 51.5 -3.6|"
    "Cardiff 51.5 -3.2|Carmarthen 51.9 -4.3|Colwyn_Bay 53.3 -3.7|Haverfordwest 51.8 -5.0|"
    "Holyhead 53.3 -4.6|Llandrindod_Wells 52.2 -3.4|Llanelli 51.7 -4.2|Merthyr_Tydfil 51.7 -3.4|"
    "Newport 51.6 -3.0|Newtown 52.5 -3.3|Pontypridd 51.6 -3.3|Swansea 51.6 -3.9|Wrexham 53.0 -3.0"
)
_NORTHERN_IRELAND = (
    "Armagh 54.3 -6.7|Ballymena 54.9 -6.3|Belfast 54.6 -5.9|Coleraine 55.1 -6.7|Enniskillen 54.3 -7.6|"
    "Londonderry 55.0 -7.3|Lisburn 54.5 -6.0|Newry 54.2 -6.3|Northern_Ireland 54.6 -6.7|Omagh 54.6 -7.3"
)
_NATIONS = {
    "England": _ENGLAND,
    "Scotland": _SCOTLAND,
    "Wales": _WALES,
    "Northern Ireland": _NORTHERN_IRELAND,
}


def uk_areas(places: Mapping[str, str]) -> Iterator[tuple[str, AreaFacts]]:
    """The areas of `places` (as in `GeoFacts.uk_places`) that are known, with their nation as the state.

    A number that several places share ("Tyneside/Durham/Sunderland") lies at the first.
    """
    known = dict(_known())
    for name in sorted(set(places.values())):
        facts = known.get(name) or known.get(name.partition("/")[0])
        if facts is not None:
            yield "+44 " + name, facts


def _known() -> Iterator[tuple[str, AreaFacts]]:
    for nation, rows in _NATIONS.items():
        for row in rows.split("|"):
            name, lat, lon = row.split()
            yield name.replace("_", " "), AreaFacts("+44 " + nation, Point(float(lat), float(lon)))
