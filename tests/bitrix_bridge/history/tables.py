"""The site's tables that the import may read, in an old and in a new version of Bitrix.

Each table is defined once, in this notation. `NAME type?` is a column that may be NULL. `+` marks a column that is
incremented automatically, and `='N'` a default. `@20` marks a column that was added in version 20 of the `sale` module;
all other columns exist in version 18. `varchar(255)>varchar(500)` is the old and the new type of a column. The first
key is the primary key, and `!` marks a unique key. The ACCOUNT_NUMBER columns are indexed and not unique, because
copies lose constraints and the tests need a number twice.

The source is `install/db/mysql/install.sql` of the modules main, sale, iblock and catalog. The tables of old sites
differ from site to site, so the old version has the oldest types that were found.
"""

import re
from dataclasses import dataclass
from enum import Enum

from tests.mariadb import Copy

_COLUMN = re.compile(r"(\w+) ([^?+=@]+?)(\?)?( \+)?( ='?([^@]*?)'?)?(?: @(\d+))?")


class Schema(Enum):
    """The version of the `sale` module whose tables a copy of the site's database has."""

    OLD = 18
    NEW = 25

    @property
    def charset(self) -> str:
        """Return the character set of the tables. The character set of the old version cannot store emoji."""
        return "utf8mb3" if self is Schema.OLD else "utf8mb4"

    @property
    def engine(self) -> str:
        """Return the storage engine. Old sites still use MyISAM, which was the default when they were installed."""
        return "MyISAM" if self is Schema.OLD else "InnoDB"


@dataclass(frozen=True)
class Table:
    """One table, described in the notation of the module's docstring."""

    name: str
    columns: str
    keys: str

    def column_types(self, schema: Schema) -> dict[str, str]:
        """Return the definitions of the table's columns in this version, by name and in the sequence of the table."""
        found = {}
        for text in _parts(self.columns):
            match = _COLUMN.fullmatch(text)
            assert match, f"{self.name}: {text!r} is no column"
            name, types, null, counts, has_default, default, since = match.groups()
            if since and int(since) > schema.value:
                continue
            old, _, new = types.partition(">")
            kind = new if new and schema is Schema.NEW else old
            value = default if default == "current_timestamp" else f"'{default}'"
            found[name] = (
                f"{kind} {'NULL' if null else 'NOT NULL'}"
                f"{' AUTO_INCREMENT' if counts else ''}{f' DEFAULT {value}' if has_default else ''}"
            )
        return found

    def sql(self, schema: Schema) -> str:
        """Return the CREATE TABLE statement."""
        columns = self.column_types(schema)
        lines = [f"`{name}` {kind}" for name, kind in columns.items()]
        primary, *others = _parts(self.keys)
        lines.append(f"PRIMARY KEY ({primary})")
        lines += [
            f"{'UNIQUE' if key.startswith('!') else 'INDEX'} ({key.lstrip('!')})"
            for key in others
            if all(re.sub(r"\(.*", "", name) in columns for name in key.lstrip("!").split(","))
        ]
        body = ",\n  ".join(lines)
        return f"CREATE TABLE `{self.name}` (\n  {body}\n) ENGINE={schema.engine} DEFAULT CHARSET={schema.charset}"


def create_tables(copy: Copy, schema: Schema) -> None:
    """Create all tables without rows."""
    for table in TABLES:
        copy.execute(table.sql(schema))


def _parts(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split(";")]


TABLES = (
    Table(
        "b_sale_order",
        """
        ID int +; LID char(2); PERSON_TYPE_ID int; PAYED char(1) ='N'; DATE_PAYED datetime?; EMP_PAYED_ID int?;
        CANCELED char(1) ='N'; DATE_CANCELED datetime?; EMP_CANCELED_ID int?; REASON_CANCELED varchar(255)?;
        STATUS_ID varchar(2); DATE_STATUS datetime; EMP_STATUS_ID int?; PRICE_DELIVERY decimal(18,4) ='0.0000';
        PRICE_PAYMENT decimal(18,4) ='0.0000'; ALLOW_DELIVERY char(1) ='N'; DATE_ALLOW_DELIVERY datetime?;
        EMP_ALLOW_DELIVERY_ID int?; DEDUCTED char(1) ='N'; DATE_DEDUCTED datetime?; EMP_DEDUCTED_ID int?;
        REASON_UNDO_DEDUCTED varchar(255)?; MARKED char(1) ='N'; DATE_MARKED datetime?; EMP_MARKED_ID int?;
        REASON_MARKED varchar(255)?; RESERVED char(1) ='N'; PRICE decimal(18,4); CURRENCY char(3);
        DISCOUNT_VALUE decimal(18,4) ='0.0000'; USER_ID int; PAY_SYSTEM_ID int?; DELIVERY_ID varchar(50)?;
        DATE_INSERT datetime; DATE_UPDATE datetime; USER_DESCRIPTION varchar(250)>varchar(2000)?;
        ADDITIONAL_INFO varchar(255)?; PS_STATUS char(1)?; PS_STATUS_CODE char(5)?;
        PS_STATUS_DESCRIPTION varchar(250)?; PS_STATUS_MESSAGE varchar(250)?; PS_SUM decimal(18,2)?;
        PS_CURRENCY char(3)?; PS_RESPONSE_DATE datetime?; COMMENTS text?; TAX_VALUE decimal(18,2) ='0.00';
        STAT_GID varchar(255)?; SUM_PAID decimal(18,2) ='0'; IS_RECURRING char(1) ='N'; RECURRING_ID int?;
        PAY_VOUCHER_NUM varchar(20)?; PAY_VOUCHER_DATE date?; LOCKED_BY int?; DATE_LOCK datetime?;
        RECOUNT_FLAG char(1) ='Y'; AFFILIATE_ID int?; DELIVERY_DOC_NUM varchar(20)?; DELIVERY_DOC_DATE date?;
        UPDATED_1C char(1) ='N'; STORE_ID int?; ORDER_TOPIC varchar(255)?; CREATED_BY int?; RESPONSIBLE_ID int?;
        COMPANY_ID int?; DATE_PAY_BEFORE datetime?; DATE_BILL datetime?; ACCOUNT_NUMBER varchar(100)?;
        TRACKING_NUMBER varchar(255)?; XML_ID varchar(255)?; ID_1C varchar(36)?; VERSION_1C varchar(15)?;
        VERSION int ='0'; EXTERNAL_ORDER char(1) ='N'; RUNNING char(1) ='N'; BX_USER_ID varchar(32)?;
        SEARCH_CONTENT mediumtext? @20; IS_SYNC_B24 char(1) ='N' @20
        """,
        keys="""
        ID; PERSON_TYPE_ID; STATUS_ID; RECURRING_ID; AFFILIATE_ID; UPDATED_1C; USER_ID,LID,PAYED,CANCELED;
        DATE_UPDATE; XML_ID; ID_1C; DATE_ALLOW_DELIVERY; ALLOW_DELIVERY; DATE_CANCELED; CANCELED; DATE_PAYED;
        DATE_INSERT; DATE_PAY_BEFORE; ACCOUNT_NUMBER
        """,
    ),
    Table(
        "b_sale_basket",
        """
        ID int +; FUSER_ID int; ORDER_ID int?; PRODUCT_ID int; PRODUCT_PRICE_ID int?; PRICE_TYPE_ID int?;
        PRICE decimal(18,4); CURRENCY char(3); BASE_PRICE decimal(18,4)?; VAT_INCLUDED char(1) ='Y';
        DATE_INSERT datetime; DATE_UPDATE datetime; DATE_REFRESH datetime?; WEIGHT double(18,2)?;
        QUANTITY double>double(18,4) ='0'; LID char(2); DELAY char(1) ='N'; NAME varchar(255); CAN_BUY char(1) ='Y';
        MARKING_CODE_GROUP varchar(100)? @20; MODULE varchar(100)?; CALLBACK_FUNC varchar(100)?; NOTES varchar(250)?;
        ORDER_CALLBACK_FUNC varchar(100)?; DETAIL_PAGE_URL varchar(250)?; DISCOUNT_PRICE decimal(18,4);
        CANCEL_CALLBACK_FUNC varchar(100)?; PAY_CALLBACK_FUNC varchar(100)?; PRODUCT_PROVIDER_CLASS varchar(100)?;
        CATALOG_XML_ID varchar(100)?; PRODUCT_XML_ID varchar(100)?; DISCOUNT_NAME varchar(255)?;
        DISCOUNT_VALUE char(32)?; DISCOUNT_COUPON char(32)?; VAT_RATE decimal(18,4)? ='0.00'; SUBSCRIBE char(1) ='N';
        DEDUCTED char(1) ='N'; RESERVED char(1) ='N'; BARCODE_MULTI char(1) ='N'; RESERVE_QUANTITY double?;
        CUSTOM_PRICE char(1) ='N'; DIMENSIONS varchar(255)?; TYPE int?; SET_PARENT_ID int?; MEASURE_CODE int?;
        MEASURE_NAME varchar(50)?; RECOMMENDATION varchar(40)?; XML_ID varchar(255)?; SORT int ='100'
        """,
        keys="""
        ID; LID; FUSER_ID,LID,ORDER_ID; ORDER_ID; PRODUCT_ID; PRODUCT_PRICE_ID; PRODUCT_XML_ID,CATALOG_XML_ID;
        DATE_INSERT; SET_PARENT_ID
        """,
    ),
    Table(
        "b_sale_basket_props",
        """
        ID int +; BASKET_ID int; NAME varchar(255); VALUE varchar(255)?; CODE varchar(255)?; SORT int ='100';
        XML_ID varchar(255)?
        """,
        keys="ID; BASKET_ID; CODE",
    ),
    Table(
        "b_sale_order_props",
        """
        ID int +; PERSON_TYPE_ID int; NAME varchar(255); TYPE varchar(20); REQUIRED char(1) ='N';
        DEFAULT_VALUE varchar(500)?; SORT int ='100'; USER_PROPS char(1) ='N'; IS_LOCATION char(1) ='N';
        PROPS_GROUP_ID int; DESCRIPTION varchar(255)?; IS_EMAIL char(1) ='N'; IS_PROFILE_NAME char(1) ='N';
        IS_PAYER char(1) ='N'; IS_LOCATION4TAX char(1) ='N'; IS_FILTERED char(1) ='N'; CODE varchar(50)?;
        IS_ZIP char(1) ='N'; IS_PHONE char(1) ='N'; ACTIVE varchar(1) ='Y'; UTIL varchar(1) ='N';
        INPUT_FIELD_LOCATION int ='0'; MULTIPLE char(1) ='N'; IS_ADDRESS char(1) ='N';
        IS_ADDRESS_FROM char(1) ='N' @21; IS_ADDRESS_TO char(1) ='N' @21; SETTINGS varchar(500)?;
        ENTITY_REGISTRY_TYPE varchar(255)?; XML_ID varchar(255)?; ENTITY_TYPE varchar(255) @21
        """,
        keys="ID; PERSON_TYPE_ID; TYPE; CODE",
    ),
    Table(
        "b_sale_order_props_value",
        """
        ID int +; ORDER_ID int; ORDER_PROPS_ID int?; NAME varchar(255); VALUE varchar(255)>varchar(500)?;
        CODE varchar(50)?; XML_ID varchar(255)?; ENTITY_ID int @21; ENTITY_TYPE varchar(255) @21
        """,
        keys="ID; !ENTITY_ID,ENTITY_TYPE(200),ORDER_PROPS_ID; ORDER_ID,ORDER_PROPS_ID",
    ),
    Table(
        "b_sale_order_props_variant",
        """
        ID int +; ORDER_PROPS_ID int; NAME varchar(255); VALUE varchar(255)?; SORT int ='100';
        DESCRIPTION varchar(255)?; XML_ID varchar(255)?
        """,
        keys="ID; ORDER_PROPS_ID",
    ),
    Table(
        "b_sale_location",
        """
        ID int +; SORT int ='100'; CODE varchar(100); LEFT_MARGIN int?; RIGHT_MARGIN int?; PARENT_ID int? ='0';
        DEPTH_LEVEL int? ='1'; TYPE_ID int?; LATITUDE decimal(8,6)?; LONGITUDE decimal(9,6)?; COUNTRY_ID int?;
        REGION_ID int?; CITY_ID int?; LOC_DEFAULT char(1) ='N'
        """,
        keys="ID; !CODE; LEFT_MARGIN,RIGHT_MARGIN; PARENT_ID; TYPE_ID",
    ),
    Table(
        "b_sale_loc_name",
        """
        ID int +; LANGUAGE_ID char(2); LOCATION_ID int; NAME varchar(100); NAME_UPPER varchar(100);
        NAME_NORM varchar(100)? @23; SHORT_NAME varchar(100)?
        """,
        keys="ID; NAME_UPPER; LOCATION_ID,LANGUAGE_ID",
    ),
    Table(
        "b_sale_loc_type",
        "ID int +; CODE varchar(30); SORT int? ='100'; DISPLAY_SORT int? ='100'",
        keys="ID",
    ),
    Table(
        "b_sale_status",
        """
        ID varchar(2); TYPE char(1) ='O'; SORT int ='100'; NOTIFY char(1) ='Y'; COLOR varchar(10)?;
        XML_ID varchar(255)?
        """,
        keys="ID",
    ),
    Table(
        "b_sale_status_lang",
        """
        STATUS_ID varchar(2); LID char(2); NAME varchar(100); DESCRIPTION varchar(250)?
        """,
        keys="STATUS_ID,LID",
    ),
    Table(
        "b_sale_order_payment",
        """
        ID int +; ORDER_ID int; ACCOUNT_NUMBER varchar(100)?; PAID char(1) ='N'; DATE_PAID datetime?;
        EMP_PAID_ID int?; PAY_SYSTEM_ID int; PS_STATUS char(1)?; PS_INVOICE_ID varchar(250)?;
        PS_STATUS_CODE varchar(255)?; PS_STATUS_DESCRIPTION varchar(512)?; PS_STATUS_MESSAGE varchar(250)?;
        PS_SUM decimal(18,4)?; PS_CURRENCY char(3)?; PS_RESPONSE_DATE datetime?; PS_RECURRING_TOKEN varchar(255)? @20;
        PS_CARD_NUMBER varchar(64)? @21; PAY_VOUCHER_NUM varchar(20)?; PAY_VOUCHER_DATE date?;
        DATE_PAY_BEFORE datetime?; DATE_BILL datetime?; XML_ID varchar(255)?; SUM decimal(18,4);
        PRICE_COD decimal(18,4) =0; CURRENCY char(3); PAY_SYSTEM_NAME varchar(128); RESPONSIBLE_ID int?;
        DATE_RESPONSIBLE_ID datetime?; EMP_RESPONSIBLE_ID int?; COMMENTS text?; COMPANY_ID int?;
        PAY_RETURN_DATE date?; EMP_RETURN_ID int?; PAY_RETURN_NUM varchar(20)?; PAY_RETURN_COMMENT text?;
        IS_RETURN char(1) ='N'; MARKED char(1)?; DATE_MARKED datetime?; EMP_MARKED_ID int?;
        REASON_MARKED varchar(255)?; ID_1C varchar(36)?; VERSION_1C varchar(15)?; EXTERNAL_PAYMENT char(1) ='N';
        UPDATED_1C char(1) ='N'
        """,
        keys="ID; ORDER_ID; DATE_PAID; PAID; ACCOUNT_NUMBER",
    ),
    Table(
        "b_sale_order_delivery",
        """
        ID int +; ORDER_ID int; ACCOUNT_NUMBER varchar(100)?; DATE_INSERT datetime; DATE_REQUEST datetime?;
        DATE_UPDATE datetime?; DELIVERY_LOCATION varchar(50)?; PARAMS text?; STATUS_ID varchar(2);
        PRICE_DELIVERY decimal(18,4)?; DISCOUNT_PRICE decimal(18,4)?; BASE_PRICE_DELIVERY decimal(18,4)?;
        CUSTOM_PRICE_DELIVERY char(1)?; ALLOW_DELIVERY char(1)? ='N'; DATE_ALLOW_DELIVERY datetime?;
        EMP_ALLOW_DELIVERY_ID int?; DEDUCTED char(1)? ='N'; DATE_DEDUCTED datetime?; EMP_DEDUCTED_ID int?;
        REASON_UNDO_DEDUCTED varchar(255)?; RESERVED char(1)?; DELIVERY_ID int; DELIVERY_DOC_NUM varchar(20)?;
        DELIVERY_DOC_DATE datetime?; TRACKING_NUMBER varchar(255)?; XML_ID varchar(255)?; DELIVERY_NAME varchar(128)?;
        CANCELED char(1)? ='N'; DATE_CANCELED datetime?; EMP_CANCELED_ID int?; REASON_CANCELED varchar(255)? ='';
        MARKED char(1)?; DATE_MARKED datetime?; EMP_MARKED_ID int?; REASON_MARKED varchar(255)?; CURRENCY varchar(3)?;
        SYSTEM char(1) ='N'; WEIGHT double(18,4)? =0 @20; RESPONSIBLE_ID int?; EMP_RESPONSIBLE_ID int?;
        DATE_RESPONSIBLE_ID datetime?; COMMENTS text?; COMPANY_ID int?; TRACKING_STATUS int?;
        TRACKING_DESCRIPTION varchar(255)?; TRACKING_LAST_CHECK datetime?; TRACKING_LAST_CHANGE datetime?;
        ID_1C varchar(36)?; VERSION_1C varchar(15)?; EXTERNAL_DELIVERY char(1) ='N'; UPDATED_1C char(1) ='N'
        """,
        keys="ID; ORDER_ID; DATE_ALLOW_DELIVERY; ALLOW_DELIVERY; DATE_CANCELED; CANCELED; ACCOUNT_NUMBER",
    ),
    Table(
        "b_sale_order_change",
        """
        ID int +; ORDER_ID int; TYPE varchar(255); DATA varchar(512)?; DATE_CREATE datetime; DATE_MODIFY datetime;
        USER_ID int; ENTITY varchar(50)?; ENTITY_ID int?
        """,
        keys="ID; ORDER_ID; TYPE",
    ),
    Table(
        "b_sale_order_archive",
        """
        ID int +; LID char(2); ORDER_ID int; ACCOUNT_NUMBER varchar(100); DATE_INSERT datetime; PERSON_TYPE_ID int;
        USER_ID int; STATUS_ID varchar(2); PAYED char(1) ='N'; DEDUCTED char(1) ='N'; CANCELED char(1) ='N';
        PRICE decimal(18,4); SUM_PAID decimal(18,2)?; CURRENCY char(3); XML_ID varchar(255)?; ID_1C varchar(36)?;
        ORDER_DATA mediumtext?; RESPONSIBLE_ID int?; COMPANY_ID int?; VERSION int; DATE_ARCHIVED datetime
        """,
        keys="ID; USER_ID; STATUS_ID; DATE_INSERT; DATE_ARCHIVED; XML_ID; ORDER_ID; ACCOUNT_NUMBER",
    ),
    Table(
        "b_sale_order_archive_packed",
        "ORDER_ARCHIVE_ID int; ORDER_DATA mediumtext?",
        keys="ORDER_ARCHIVE_ID",
    ),
    Table(
        "b_sale_basket_archive",
        """
        ID int +; ARCHIVE_ID int; PRODUCT_ID int; PRODUCT_PRICE_ID int?; NAME varchar(255); PRICE decimal(18,4)?;
        CURRENCY char(3)?; QUANTITY double(18,4)?; WEIGHT double(18,4)?; DATE_INSERT datetime; MODULE varchar(100)?;
        PRODUCT_XML_ID varchar(100)?; TYPE int?; SET_PARENT_ID int?; MEASURE_CODE int?; MEASURE_NAME varchar(50)?;
        BASKET_DATA mediumtext?
        """,
        keys="ID; PRODUCT_ID; ARCHIVE_ID",
    ),
    Table(
        "b_sale_basket_archive_packed",
        "BASKET_ARCHIVE_ID int; BASKET_DATA mediumtext?",
        keys="BASKET_ARCHIVE_ID",
    ),
    Table(
        "b_sale_person_type",
        """
        ID int +; LID char(2); NAME varchar(255); CODE varchar(255)?; SORT int ='150'; ACTIVE varchar(1) ='Y';
        ENTITY_REGISTRY_TYPE varchar(255)?; XML_ID varchar(255)?
        """,
        keys="ID; LID",
    ),
    Table(
        "b_sale_delivery_srv",
        """
        ID int +; CODE varchar(50)?; PARENT_ID int?; NAME varchar(255); ACTIVE char(1); DESCRIPTION text?; SORT int;
        LOGOTIP int?; CONFIG longtext?; CLASS_NAME varchar(255); CURRENCY char(3); TRACKING_PARAMS varchar(255)?;
        ALLOW_EDIT_SHIPMENT char(1) ='Y'; VAT_ID int?; XML_ID varchar(255)?
        """,
        keys="ID; CODE; PARENT_ID",
    ),
    Table(
        "b_sale_pay_system_action",
        """
        ID int +; PAY_SYSTEM_ID int?; PERSON_TYPE_ID int?; NAME varchar(255); PSA_NAME varchar(255);
        CODE varchar(50)?; SORT int ='100'; DESCRIPTION varchar(2000)?; ACTION_FILE varchar(255)?;
        RESULT_FILE varchar(255)?; NEW_WINDOW char(1) ='Y'; ACTIVE char(1) ='Y'; PS_MODE varchar(20)?;
        PS_CLIENT_TYPE varchar(10)? @23; PARAMS text?; TARIF text?; HAVE_PAYMENT char(1) ='N';
        HAVE_ACTION char(1) ='N'; AUTO_CHANGE_1C char(1) ='N'; HAVE_RESULT char(1) ='N'; HAVE_PRICE char(1) ='N';
        HAVE_PREPAY char(1) ='N'; HAVE_RESULT_RECEIVE char(1) ='N'; ALLOW_EDIT_PAYMENT char(1) ='Y';
        ENCODING varchar(45)?; LOGOTIP int?; IS_CASH char(1) ='N'; CAN_PRINT_CHECK char(1) ='N';
        ENTITY_REGISTRY_TYPE varchar(255)?; XML_ID varchar(255)?
        """,
        keys="ID; PS_CLIENT_TYPE",
    ),
    Table(
        "b_user",
        """
        ID int +; TIMESTAMP_X timestamp?; LOGIN varchar(50); PASSWORD varchar(50)>varchar(255);
        CHECKWORD varchar(255)?; ACTIVE char(1) ='Y'; NAME varchar(50)?; LAST_NAME varchar(50)?; EMAIL varchar(255)?;
        LAST_LOGIN datetime?; DATE_REGISTER datetime; LID char(2)?; PERSONAL_PROFESSION varchar(255)?;
        PERSONAL_WWW varchar(255)?; PERSONAL_ICQ varchar(255)?; PERSONAL_GENDER char(1)?;
        PERSONAL_BIRTHDATE varchar(50)?; PERSONAL_PHOTO int?; PERSONAL_PHONE varchar(255)?;
        PERSONAL_FAX varchar(255)?; PERSONAL_MOBILE varchar(255)?; PERSONAL_PAGER varchar(255)?;
        PERSONAL_STREET text?; PERSONAL_MAILBOX varchar(255)?; PERSONAL_CITY varchar(255)?;
        PERSONAL_STATE varchar(255)?; PERSONAL_ZIP varchar(255)?; PERSONAL_COUNTRY varchar(255)?;
        PERSONAL_NOTES text?; WORK_COMPANY varchar(255)?; WORK_DEPARTMENT varchar(255)?; WORK_POSITION varchar(255)?;
        WORK_WWW varchar(255)?; WORK_PHONE varchar(255)?; WORK_FAX varchar(255)?; WORK_PAGER varchar(255)?;
        WORK_STREET text?; WORK_MAILBOX varchar(255)?; WORK_CITY varchar(255)?; WORK_STATE varchar(255)?;
        WORK_ZIP varchar(255)?; WORK_COUNTRY varchar(255)?; WORK_PROFILE text?; WORK_LOGO int?; WORK_NOTES text?;
        ADMIN_NOTES text?; STORED_HASH varchar(32)?; XML_ID varchar(255)?; PERSONAL_BIRTHDAY date?;
        EXTERNAL_AUTH_ID varchar(255)?; CHECKWORD_TIME datetime?; SECOND_NAME varchar(50)?; CONFIRM_CODE varchar(8)?;
        LOGIN_ATTEMPTS int?; LAST_ACTIVITY_DATE datetime?; AUTO_TIME_ZONE char(1)?; TIME_ZONE varchar(50)?;
        TIME_ZONE_OFFSET int?; TITLE varchar(255)?; BX_USER_ID varchar(32)?; LANGUAGE_ID char(2)?;
        BLOCKED char(1) ='N' @21; PASSWORD_EXPIRED char(1) ='N' @21
        """,
        keys="ID; !LOGIN,EXTERNAL_AUTH_ID; EMAIL; LAST_ACTIVITY_DATE; XML_ID; LAST_LOGIN; DATE_REGISTER",
    ),
    Table(
        "b_user_phone_auth",
        """
        USER_ID int; PHONE_NUMBER varchar(25); OTP_SECRET text?; ATTEMPTS int? =0; CONFIRMED char(1)? ='N';
        DATE_SENT datetime?
        """,
        keys="USER_ID; !PHONE_NUMBER",
    ),
    Table(
        "b_iblock",
        """
        ID int +; TIMESTAMP_X datetime =current_timestamp; IBLOCK_TYPE_ID varchar(50); LID char(2); CODE varchar(50)?;
        API_CODE varchar(50)? @20; REST_ON char(1) ='N' @21; NAME varchar(255); ACTIVE char(1) ='Y'; SORT int =500;
        LIST_PAGE_URL varchar(255)?; DETAIL_PAGE_URL varchar(255)?; SECTION_PAGE_URL varchar(255)?;
        CANONICAL_PAGE_URL varchar(255)?; PICTURE int?; DESCRIPTION text?; DESCRIPTION_TYPE char(4) ='text';
        RSS_TTL int ='24'; RSS_ACTIVE char(1) ='Y'; RSS_FILE_ACTIVE char(1) ='N'; RSS_FILE_LIMIT int?;
        RSS_FILE_DAYS int?; RSS_YANDEX_ACTIVE char(1) ='N'; XML_ID varchar(255)?; TMP_ID varchar(40)?;
        INDEX_ELEMENT char(1) ='Y'; INDEX_SECTION char(1) ='N'; WORKFLOW char(1) ='Y'; BIZPROC char(1) ='N';
        SECTION_CHOOSER char(1)?; LIST_MODE char(1)?; RIGHTS_MODE char(1)?; SECTION_PROPERTY char(1)?;
        PROPERTY_INDEX char(1)?; VERSION int =1; LAST_CONV_ELEMENT int =0; SOCNET_GROUP_ID int?;
        EDIT_FILE_BEFORE varchar(255)?; EDIT_FILE_AFTER varchar(255)?; SECTIONS_NAME varchar(100)?;
        SECTION_NAME varchar(100)?; ELEMENTS_NAME varchar(100)?; ELEMENT_NAME varchar(100)?;
        FULLTEXT_INDEX varchar(1) ='N' @25
        """,
        keys="ID; IBLOCK_TYPE_ID,LID,ACTIVE; !API_CODE; CODE",
    ),
    Table(
        "b_iblock_element",
        """
        ID int +; TIMESTAMP_X datetime?; MODIFIED_BY int?; DATE_CREATE datetime?; CREATED_BY int?; IBLOCK_ID int ='0';
        IBLOCK_SECTION_ID int?; ACTIVE char(1) ='Y'; ACTIVE_FROM datetime?; ACTIVE_TO datetime?; SORT int ='500';
        NAME varchar(255); PREVIEW_PICTURE int?; PREVIEW_TEXT text?; PREVIEW_TEXT_TYPE varchar(4) ='text';
        DETAIL_PICTURE int?; DETAIL_TEXT longtext?; DETAIL_TEXT_TYPE varchar(4) ='text'; SEARCHABLE_CONTENT text?;
        WF_STATUS_ID int? ='1'; WF_PARENT_ELEMENT_ID int?; WF_NEW char(1)?; WF_LOCKED_BY int?; WF_DATE_LOCK datetime?;
        WF_COMMENTS text?; IN_SECTIONS char(1) ='N'; XML_ID varchar(255)?; CODE varchar(255)?; TAGS varchar(255)?;
        TMP_ID varchar(40)?; WF_LAST_HISTORY_ID int?; SHOW_COUNTER int?; SHOW_COUNTER_START datetime?
        """,
        keys="""
        ID; IBLOCK_ID,IBLOCK_SECTION_ID; IBLOCK_ID,XML_ID,WF_PARENT_ELEMENT_ID; WF_PARENT_ELEMENT_ID; IBLOCK_ID,CODE;
        IBLOCK_ID,NAME
        """,
    ),
    Table(
        "b_iblock_property",
        """
        ID int +; TIMESTAMP_X datetime =current_timestamp; IBLOCK_ID int; NAME varchar(255); ACTIVE char(1) ='Y';
        SORT int =500; CODE varchar(50)?; DEFAULT_VALUE text?; PROPERTY_TYPE char(1) ='S'; ROW_COUNT int =1;
        COL_COUNT int =30; LIST_TYPE char(1) ='L'; MULTIPLE char(1) ='N'; XML_ID varchar(100)?;
        FILE_TYPE varchar(200)?; MULTIPLE_CNT int?; TMP_ID varchar(40)?; LINK_IBLOCK_ID int?;
        WITH_DESCRIPTION char(1)?; SEARCHABLE char(1) ='N'; FILTRABLE char(1) ='N'; IS_REQUIRED char(1)?;
        VERSION int =1; USER_TYPE varchar(255)?; USER_TYPE_SETTINGS text?; HINT varchar(255)?
        """,
        keys="ID; IBLOCK_ID; LINK_IBLOCK_ID; CODE",
    ),
    Table(
        "b_iblock_element_property",
        """
        ID int>bigint +; IBLOCK_PROPERTY_ID int; IBLOCK_ELEMENT_ID int; VALUE text; VALUE_TYPE char(4) ='text';
        VALUE_ENUM int?; VALUE_NUM decimal(18,4)?; DESCRIPTION varchar(255)?
        """,
        keys="""
        ID; IBLOCK_ELEMENT_ID,IBLOCK_PROPERTY_ID; IBLOCK_PROPERTY_ID; VALUE_ENUM,IBLOCK_PROPERTY_ID;
        VALUE_NUM,IBLOCK_PROPERTY_ID; VALUE(50),IBLOCK_PROPERTY_ID,IBLOCK_ELEMENT_ID
        """,
    ),
    Table(
        "b_iblock_property_enum",
        """
        ID int +; PROPERTY_ID int; VALUE varchar(255); DEF char(1) ='N'; SORT int ='500'; XML_ID varchar(200);
        TMP_ID varchar(40)?
        """,
        keys="ID; !PROPERTY_ID,XML_ID",
    ),
    Table(
        "b_catalog_product",
        """
        ID int; QUANTITY double; QUANTITY_TRACE char(1) ='N'; WEIGHT double ='0'; TIMESTAMP_X datetime;
        PRICE_TYPE char(1) ='S'; RECUR_SCHEME_LENGTH int?; RECUR_SCHEME_TYPE char(1) ='D'; TRIAL_PRICE_ID int?;
        WITHOUT_ORDER char(1) ='N'; SELECT_BEST_PRICE char(1) ='Y'; VAT_ID int? ='0'; VAT_INCLUDED char(1)? ='Y';
        CAN_BUY_ZERO char(1) ='N'; NEGATIVE_AMOUNT_TRACE char(1) ='D'; TMP_ID varchar(40)?;
        PURCHASING_PRICE decimal(18,2)?; PURCHASING_CURRENCY char(3)?; BARCODE_MULTI char(1) ='N';
        QUANTITY_RESERVED double? ='0'; SUBSCRIBE char(1)?; WIDTH double?; LENGTH double?; HEIGHT double?;
        MEASURE int?; TYPE int?; AVAILABLE char(1)?; BUNDLE char(1)?
        """,
        keys="ID",
    ),
    Table(
        "b_catalog_price",
        """
        ID int +; PRODUCT_ID int; EXTRA_ID int?; CATALOG_GROUP_ID int; PRICE decimal(18,2); CURRENCY char(3);
        TIMESTAMP_X datetime; QUANTITY_FROM int?; QUANTITY_TO int?; TMP_ID varchar(40)?; PRICE_SCALE decimal(26,12)?
        """,
        keys="ID; PRODUCT_ID,CATALOG_GROUP_ID; CATALOG_GROUP_ID; PRICE_SCALE",
    ),
    Table(
        "b_file",
        """
        ID int +; TIMESTAMP_X timestamp?; MODULE_ID varchar(50)?; HEIGHT int?; WIDTH int?; FILE_SIZE bigint?;
        CONTENT_TYPE varchar(255)? ='IMAGE'; SUBDIR varchar(255)?; FILE_NAME varchar(255);
        ORIGINAL_NAME varchar(255)?; DESCRIPTION varchar(255)?; HANDLER_ID varchar(50)?; EXTERNAL_ID varchar(50)?
        """,
        keys="ID; EXTERNAL_ID",
    ),
)
